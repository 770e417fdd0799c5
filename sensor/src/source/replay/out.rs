//! Raw records on their way out of the packet path.

/// Raw records, one behind another, byte for byte as the kernel would have sent them. Its memory is used again, so that
/// a record costs no allocation; one frame makes a handful at most.
#[derive(Debug, Default)]
pub(super) struct Out {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Out {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Appends the record that consists of `head` and then `tail`.
    pub(super) fn push(&mut self, head: &[u8], tail: &[u8]) {
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(tail);
        self.ends.push(self.bytes.len());
    }

    /// Hands over all records, oldest first.
    pub(super) fn drain(&mut self, mut record: impl FnMut(&[u8])) {
        let mut start = 0;
        for end in self.ends.drain(..) {
            if let Some(bytes) = self.bytes.get(start..end) {
                record(bytes);
            }
            start = end;
        }
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Out;

    #[test]
    fn records_come_out_whole_in_order_and_once() {
        let mut out = Out::default();
        out.push(b"ab", b"c");
        out.push(b"d", b"");
        let mut got = Vec::new();
        out.drain(|record| got.push(record.to_vec()));
        assert_eq!(got, [&b"abc"[..], b"d"]);
        assert!(out.is_empty());
        out.push(b"e", b"f");
        out.drain(|record| got.push(record.to_vec()));
        assert_eq!(got.last().map(Vec::as_slice), Some(&b"ef"[..]));
    }
}
