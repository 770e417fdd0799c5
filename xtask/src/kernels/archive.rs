//! The file system a kernel is booted with: a cpio archive of two files (the "newc" format of
//! Documentation/driver-api/early-userspace/buffer-format.rst). Written here so that neither cpio nor busybox is needed.

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const CONSOLE: u32 = 0o020_600;

/// `/init` and `/isthmus-xdp`, with the mount points and the console that `init` uses.
pub fn initramfs(init: &[u8], object: &[u8]) -> Vec<u8> {
    let mut archive = Archive::default();
    for directory in ["dev", "proc", "sys"] {
        archive.add(directory, DIRECTORY, (0, 0), &[]);
    }
    archive.add("dev/console", CONSOLE, (5, 1), &[]);
    archive.add("init", PROGRAM, (0, 0), init);
    archive.add("isthmus-xdp", PROGRAM, (0, 0), object);
    archive.add("TRAILER!!!", 0, (0, 0), &[]);
    archive.bytes
}

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    fn add(&mut self, name: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.entries += 1;
        let (content_len, name_len) = (content.len() as u32, name.len() as u32 + 1);
        // Inode, mode, owner, group, links, time, size, device of the archive (two), device of the node (two), length of
        // the name with its zero, checksum (none).
        let fields = [self.entries, mode, 0, 0, 1, 0, content_len, 0, 0, device.0, device.1, name_len, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_110_bytes_and_entries_aligned() {
        let archive = initramfs(b"abcde", b"xy");
        assert_eq!(&archive[..6], b"070701");
        assert_eq!(archive.len() % 4, 0);
        let init = archive.windows(9).position(|w| w == b"init\0\0\0ab" || w == b"init\0\0abc").unwrap();
        // The header in front of a name is 110 bytes and begins on a multiple of four.
        assert_eq!((init - 110) % 4, 0);
        assert_eq!(&archive[init - 110..init - 104], b"070701");
    }
}
