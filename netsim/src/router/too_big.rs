//! ICMP "packet too big", as a router on the way sends it (RFC 1191, RFC 4443 §3.2).

/// Of an IPv6 answer; it need not be fragmented anywhere (RFC 4443 §2.4 c).
const LONGEST_ANSWER: usize = 1280;

/// What the sender of `packet` is told. It comes from the address that the packet went to: the router has none. `None`
/// for what is no IP packet, and for ICMP errors, which nobody answers.
pub(super) fn too_big(packet: &[u8], mtu: u16) -> Option<Vec<u8>> {
    match packet.first()? >> 4 {
        4 => v4(packet, mtu),
        6 => v6(packet, mtu),
        _ => None,
    }
}

fn v4(packet: &[u8], mtu: u16) -> Option<Vec<u8>> {
    // In words of four bytes; five are there at least.
    let header = usize::from((packet[0] & 15).max(5)) * 4;
    // Its header and 8 bytes behind it, from which the sender knows what it is about.
    let quoted = packet.get(..header + 8)?;
    if quoted[9] == 1 && !matches!(quoted[header], 0 | 8) {
        return None;
    }
    let mut icmp = [3, 4, 0, 0, 0, 0, 0, 0].to_vec();
    icmp[6..8].copy_from_slice(&mtu.to_be_bytes());
    icmp.extend_from_slice(quoted);
    let sum = checksum(&[&icmp]);
    icmp[2..4].copy_from_slice(&sum);
    let length = u16::try_from(20 + icmp.len()).ok()?.to_be_bytes();
    let mut answer = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 1, 0, 0];
    answer.extend_from_slice(&quoted[16..20]);
    answer.extend_from_slice(&quoted[12..16]);
    let sum = checksum(&[&answer]);
    answer[10..12].copy_from_slice(&sum);
    answer.extend_from_slice(&icmp);
    Some(answer)
}

fn v6(packet: &[u8], mtu: u16) -> Option<Vec<u8>> {
    let quoted = &packet[..packet.len().min(LONGEST_ANSWER - 48)];
    let (from, to) = (quoted.get(8..24)?, quoted.get(24..40)?);
    // ICMPv6 errors have types below 128.
    if quoted[6] == 58 && quoted.get(40).is_none_or(|kind| *kind < 128) {
        return None;
    }
    let mut icmp = [2, 0, 0, 0, 0, 0, 0, 0].to_vec();
    icmp[6..8].copy_from_slice(&mtu.to_be_bytes());
    icmp.extend_from_slice(quoted);
    let length = u16::try_from(icmp.len()).ok()?.to_be_bytes();
    // The pseudo header of RFC 8200 §8.1.
    let sum = checksum(&[to, from, &[0, 0], &length, &[0, 0, 0, 58], &icmp]);
    icmp[2..4].copy_from_slice(&sum);
    let mut answer = vec![0x60, 0, 0, 0, length[0], length[1], 58, 64];
    answer.extend_from_slice(to);
    answer.extend_from_slice(from);
    answer.extend_from_slice(&icmp);
    Some(answer)
}

/// RFC 1071; each part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low));
    let mut sum: u32 = parts.iter().flat_map(|part| part.chunks(2)).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [.., high, low] = (!sum).to_be_bytes();
    [high, low]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet4(protocol: u8, kind: u8) -> Vec<u8> {
        let mut packet =
            vec![0x45, 0, 5, 0xdc, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, kind];
        packet.resize(1500, 9);
        packet
    }

    #[test]
    fn the_sender_is_told_the_mtu_with_true_checksums() {
        let answer = too_big(&packet4(17, 0), 1280).unwrap();
        assert_eq!(
            (answer[12..16].to_vec(), answer[16..20].to_vec()),
            (vec![10, 0, 0, 2], vec![10, 0, 0, 1])
        );
        assert_eq!((answer[20], answer[21], &answer[26..28]), (3, 4, &1280_u16.to_be_bytes()[..]));
        assert_eq!(answer.len(), 20 + 8 + 28);
        // A sum over data with its own checksum is zero.
        assert_eq!((checksum(&[&answer[..20]]), checksum(&[&answer[20..]])), ([0, 0], [0, 0]));
    }

    #[test]
    fn the_sender_of_ipv6_is_told_as_well() {
        let mut packet = vec![0x60, 0, 0, 0, 5, 0xb4, 17, 64];
        packet.extend_from_slice(&[1; 16]);
        packet.extend_from_slice(&[2; 16]);
        packet.resize(1500, 9);
        let answer = too_big(&packet, 1400).unwrap();
        assert_eq!(
            (&answer[8..24], &answer[24..40], answer.len()),
            (&[2; 16][..], &[1; 16][..], LONGEST_ANSWER)
        );
        assert_eq!((answer[40], &answer[44..48]), (2, &1400_u32.to_be_bytes()[..]));
        let length = &answer[4..6];
        assert_eq!(checksum(&[&answer[8..40], &[0, 0], length, &[0, 0, 0, 58], &answer[40..]]), [0, 0]);
    }

    #[test]
    fn a_ping_is_answered_and_an_error_is_not() {
        assert!(too_big(&packet4(1, 8), 1280).is_some());
        assert!(too_big(&packet4(1, 3), 1280).is_none());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Some(answer) = too_big(&bytes, 1280) {
                prop_assert!(answer.len() <= LONGEST_ANSWER);
            }
        }
    }
}
