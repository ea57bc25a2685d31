//! Another size for a screen (the extension ExtendedDesktopSize and SetDesktopSize of the community's rfbproto).

use std::io;

use cluster::session::Geometry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Screen, odd};

const EXTENDED_DESKTOP_SIZE: i32 = -308;
const RAW: i32 = 0;
/// `x` of the rectangle that answers our own request, `y` of one that was done.
const BY_THIS_CLIENT: u16 = 1;
const DONE: u16 = 0;
/// Of a pixel: displays are started with a depth of 24.
const BYTES: u64 = 4;
/// Pictures on the way before the answer.
const MOST_RECTANGLES: usize = 10_000;

pub(super) async fn resize(mut screen: Screen, geometry: Geometry) -> io::Result<()> {
    screen.set_encodings(&[RAW, EXTENDED_DESKTOP_SIZE]).await?;
    screen.request(false, 1, 1).await?;
    let mut asked = false;
    for _ in 0..MOST_RECTANGLES {
        for _ in 0..screen.next_update().await? {
            let place = screen.rectangle().await?;
            match place.encoding {
                RAW => screen.skip(u64::from(place.width) * u64::from(place.height) * BYTES).await?,
                EXTENDED_DESKTOP_SIZE => {
                    let screens = screen.socket.read_u8().await?;
                    screen.skip(3 + 16 * u64::from(screens)).await?;
                    match (asked, place.x, place.y) {
                        (true, BY_THIS_CLIENT, DONE) => return Ok(()),
                        (true, BY_THIS_CLIENT, _) => return Err(odd("it cannot have that size")),
                        (true, ..) => {}
                        (false, ..) => {
                            ask(&mut screen, geometry).await?;
                            asked = true;
                        }
                    }
                }
                _ => return Err(odd("it sends a picture that was not asked for")),
            }
        }
        screen.request(true, 1, 1).await?;
    }
    Err(odd("it does not answer"))
}

/// One screen of that size at the upper left.
async fn ask(screen: &mut Screen, geometry: Geometry) -> io::Result<()> {
    let (width, height) = (geometry.width().to_be_bytes(), geometry.height().to_be_bytes());
    let mut message = vec![251, 0];
    message.extend([width, height].concat());
    message.extend([1, 0]);
    message.extend([&[0; 4][..], &[0; 4], &width, &height, &[0; 4]].concat());
    screen.socket.write_all(&message).await
}
