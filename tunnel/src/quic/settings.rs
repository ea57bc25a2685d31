//! The transport settings of both sides, in one place.

use std::sync::Arc;
use std::time::Duration;

use quinn::{AckFrequencyConfig, EndpointConfig, IdleTimeout, MtuDiscoveryConfig, TransportConfig};

use super::congestion::Factory;
use super::steer::ShardIds;
use crate::chance;
use crate::limits;
use crate::tunnel::Role;

/// For one connection whose path allows UDP payloads of up to `payload` bytes.
pub(super) fn transport(role: Role, payload: u16) -> Arc<TransportConfig> {
    Arc::new(config(role, payload))
}

/// As [`transport`], for whoever changes a part of it.
pub(super) fn config(role: Role, payload: u16) -> TransportConfig {
    let mut config = TransportConfig::default();
    let granted = if role == Role::Dialler { limits::STREAMS_AT_FIRST } else { limits::STREAMS_TO_NODE };
    let idle = IdleTimeout::try_from(limits::DEAD_AFTER).expect("a minute fits");
    let mut discovery = MtuDiscoveryConfig::default();
    discovery.upper_bound(payload.max(limits::MTU_MIN)).minimum_change(20);
    let mut acks = AckFrequencyConfig::default();
    let threshold: u32 = if payload > limits::MTU_MAX { 4 } else { 10 };
    acks.ack_eliciting_threshold(threshold.into()).max_ack_delay(Some(Duration::from_millis(10)));
    let congestion = Factory { initial: 32 * u64::from(limits::MTU_MIN) };
    config
        .max_concurrent_bidi_streams(granted.into())
        .max_concurrent_uni_streams(0_u32.into())
        .stream_receive_window(limits::WINDOW_STREAM.into())
        .receive_window(limits::WINDOW_BEFORE_HELLO.into())
        .send_window(limits::WINDOW_SEND)
        .max_idle_timeout(Some(idle))
        .keep_alive_interval((role == Role::Dialler).then_some(limits::KEEP_ALIVE))
        .initial_rtt(Duration::from_millis(100))
        .initial_mtu(limits::MTU_MIN)
        .min_mtu(limits::MTU_MIN)
        .enable_segmentation_offload(payload <= limits::MTU_MAX)
        .mtu_discovery_config(Some(discovery))
        .ack_frequency_config(Some(acks))
        .congestion_controller_factory(Arc::new(congestion))
        .datagram_receive_buffer_size(None);
    config
}

/// For one endpoint on shard `index` of `count`. With the same `reset_key` a restarted process tells its old peers at
/// once that it does not know them any more.
pub(super) fn endpoint(index: usize, count: usize, reset_key: &[u8; 64]) -> EndpointConfig {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, reset_key);
    let mut config = EndpointConfig::new(Arc::new(key));
    config.max_udp_payload_size(limits::MTU_WHOLE).expect("above 1200");
    config.min_reset_interval(limits::RESETS_APART);
    config.rng_seed(Some(chance::random()));
    config.cid_generator(move || Box::new(ShardIds { index, count }));
    config
}
