//! The whole screen, made small while it arrives: what is kept of it is one row of sums and the small picture.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Screen, odd};

/// 32 bits for a pixel, least significant byte first, true colour: in memory blue, green, red, nothing.
const PIXELS: [u8; 20] = [0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
const RAW: i32 = 0;
/// A cursor, a name or a size, told as if they were rectangles, are not asked for; a display sends what is asked for.
const MOST_RECTANGLES: usize = 100_000;

pub(super) async fn thumbnail(mut screen: Screen, most: u16) -> io::Result<Vec<u8>> {
    screen.socket.write_all(&PIXELS).await?;
    screen.set_encodings(&[RAW]).await?;
    let (width, height) = (screen.width, screen.height);
    screen.request(false, width, height).await?;
    let mut small = Small::new(width, height, most);
    let mut left = u64::from(width) * u64::from(height);
    let mut row = Vec::new();
    for _ in 0..MOST_RECTANGLES {
        if left == 0 {
            break;
        }
        for _ in 0..screen.next_update().await? {
            let place = screen.rectangle().await?;
            if place.encoding != RAW || place.x.checked_add(place.width).is_none_or(|right| right > width) {
                return Err(odd("it sends a picture that was not asked for"));
            }
            row.resize(usize::from(place.width) * 4, 0);
            for y in place.y..place.y.saturating_add(place.height).min(height) {
                screen.socket.read_exact(&mut row).await?;
                small.add(place.x, y, &row);
            }
            left = left.saturating_sub(u64::from(place.width) * u64::from(place.height));
        }
    }
    png(&small)
}

/// Sums of the pixels that fall onto each pixel of the small picture.
struct Small {
    width: u16,
    height: u16,
    /// How many pixels of the screen make one.
    step: u16,
    sums: Vec<[u32; 4]>,
}

impl Small {
    fn new(width: u16, height: u16, most: u16) -> Self {
        let step = width.max(1).div_ceil(most.max(1));
        let (width, height) = (width.div_ceil(step).max(1), height.div_ceil(step).max(1));
        Self { width, height, step, sums: vec![[0; 4]; usize::from(width) * usize::from(height)] }
    }

    /// A piece of a row of the screen, four bytes for a pixel.
    fn add(&mut self, x: u16, y: u16, row: &[u8]) {
        let first = usize::from(y / self.step) * usize::from(self.width);
        for (at, pixel) in row.chunks_exact(4).enumerate() {
            let column = (usize::from(x) + at) / usize::from(self.step);
            let sum = &mut self.sums[first + column];
            for (sum, value) in sum.iter_mut().zip([pixel[2], pixel[1], pixel[0], 1]) {
                *sum += u32::from(value);
            }
        }
    }

    /// Red, green, blue, for each pixel.
    fn bytes(&self) -> Vec<u8> {
        let mean = |sum: &[u32; 4]| {
            let [red, green, blue, count] = *sum;
            [red, green, blue].map(|value| u8::try_from(value / count.max(1)).unwrap_or(255))
        };
        self.sums.iter().flat_map(mean).collect()
    }
}

fn png(small: &Small) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, small.width.into(), small.height.into());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(&small.bytes()).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_pixels_become_their_mean() {
        let mut small = Small::new(4, 3, 2);
        assert_eq!((small.width, small.height, small.step), (2, 2, 2));
        for y in 0..3 {
            small.add(0, y, &[[0, 0, 200, 0], [0, 0, 100, 0], [9, 8, 7, 0], [9, 8, 7, 0]].concat());
        }
        assert_eq!(small.bytes(), [150, 0, 0, 7, 8, 9, 150, 0, 0, 7, 8, 9]);
        assert!(png(&small).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
        let whole = Small::new(320, 200, 320);
        assert_eq!((whole.width, whole.height), (320, 200));
    }
}
