//! Reading messages, which are lines, up to a length.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// How long a message may be.
pub(super) const MOST: usize = 16 << 20;

/// A reader that fails behind a line which is too long: whoever only passed over that line would wait for its answer
/// for ever.
pub(super) struct Lines<R> {
    inner: R,
    most: usize,
    /// How long the line is so far.
    length: usize,
    exceeded: Arc<AtomicBool>,
}

impl<R> Lines<R> {
    /// `exceeded` tells that a line was too long.
    pub fn new(inner: R, most: usize, exceeded: Arc<AtomicBool>) -> Lines<R> {
        Lines {
            inner,
            most,
            length: 0,
            exceeded,
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Lines<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let mut length = self.length;
        let mut longest = 0;
        for part in buffer.filled()[before..].split_inclusive(|byte| *byte == b'\n') {
            length += part.len();
            longest = longest.max(length);
            if part.ends_with(b"\n") {
                length = 0;
            }
        }
        self.length = length;
        if longest > self.most {
            self.exceeded.store(true, Ordering::Release);
            // Who fails has read nothing.
            buffer.set_filled(before);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long")));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::AsyncReadExt;

    use super::*;

    fn read(text: &[u8]) -> (io::Result<usize>, bool) {
        let exceeded = Arc::new(AtomicBool::new(false));
        let mut lines = Lines::new(text, 4, exceeded.clone());
        let read = lines.read_to_end(&mut Vec::new()).now_or_never().unwrap();
        (read, exceeded.load(Ordering::Acquire))
    }

    #[test]
    fn each_line_may_be_so_long_and_no_longer() {
        assert!(matches!(read(b"abc\nabc\n\nab"), (Ok(11), false)));
        assert!(matches!(read(b"abc\nabcd\n"), (Err(_), true)));
        assert!(matches!(read(b"abcde"), (Err(_), true)));
    }
}
