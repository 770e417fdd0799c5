//! One file of evidence: bounded, complete at every moment.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sensor_ebpf::record::MAX_CAP;

use super::memory::{Kept, Memory};
use super::pcapng::{self, Packet};

/// A capture that grows by whole blocks.
#[derive(Debug)]
pub struct Capture {
    path: PathBuf,
    /// `None` until there is something to write.
    file: Option<File>,
    /// Bytes of whole blocks in the file.
    written: u64,
    limit: u64,
    /// What stands in front of a new section.
    comments: Vec<String>,
    /// Interface numbers of this section, by slot.
    interfaces: BTreeMap<u8, u32>,
    blocks: Vec<u8>,
    /// Frames in the file and in `blocks`.
    pub frames: u64,
    /// Frames for which there was no room.
    pub refused: u64,
}

impl Capture {
    /// Of at most `limit` bytes. `go_on`: the file may be there from before, and more is appended to it.
    pub fn new(path: PathBuf, limit: u64, comments: Vec<String>, go_on: bool) -> Self {
        let mut capture = Self {
            path,
            file: None,
            written: 0,
            limit,
            comments,
            interfaces: BTreeMap::new(),
            blocks: Vec::new(),
            frames: 0,
            refused: 0,
        };
        if go_on && let Ok(file) = OpenOptions::new().append(true).open(&capture.path) {
            capture.written = file.metadata().map_or(0, |is| is.len());
            capture.file = Some(file);
        }
        capture
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes there is room for.
    pub fn room(&self) -> u64 {
        self.limit.saturating_sub(self.written).saturating_sub(self.blocks.len() as u64)
    }

    /// Whether it has grown as far as it may.
    pub const fn is_full(&self) -> bool {
        self.refused > 0
    }

    /// About how many bytes a frame takes in a file.
    pub fn cost(kept: &Kept) -> u64 {
        u64::from(kept.wire_len).min(MAX_CAP as u64).saturating_add(40)
    }

    /// Adds a frame, if there is room.
    pub fn add(&mut self, kept: &Kept, memory: &Memory, names: &BTreeMap<u8, String>, comments: &[String]) {
        let before = self.blocks.len();
        if self.interfaces.is_empty() {
            pcapng::section(&mut self.blocks, &self.comments);
        }
        let next = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX);
        let known = self.interfaces.get(&kept.slot).copied();
        let interface = known.unwrap_or_else(|| {
            let unnamed = format!("interface {}", kept.slot);
            let name = names.get(&kept.slot).unwrap_or(&unnamed);
            pcapng::interface(&mut self.blocks, name, MAX_CAP as u32);
            next
        });
        let frame = memory.frame(kept);
        let packet = Packet { interface, at: kept.at, frame: &frame, wire_len: kept.wire_len };
        pcapng::packet(&mut self.blocks, &packet, comments);
        if self.written.saturating_add(self.blocks.len() as u64) > self.limit {
            self.blocks.truncate(before);
            self.refused = self.refused.saturating_add(1);
            return;
        }
        self.interfaces.insert(kept.slot, interface);
        self.frames = self.frames.saturating_add(1);
    }

    /// Whether something waits to be written into a file that is not there yet.
    pub fn begins(&self) -> bool {
        self.file.is_none() && !self.blocks.is_empty()
    }

    /// Writes what was added. A new file appears whole, under its name; an old one grows by whole blocks, and where that
    /// fails it is as it was.
    ///
    /// # Errors
    /// Where the disk refuses; what was added is lost.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.blocks.is_empty() {
            return Ok(());
        }
        let done = match &mut self.file {
            Some(file) => append(file, &self.blocks, self.written),
            None => create(&self.path, &self.blocks).map(|file| self.file = Some(file)),
        };
        if done.is_ok() {
            self.written = self.written.saturating_add(self.blocks.len() as u64);
        } else {
            // The next section begins anew.
            self.interfaces.clear();
        }
        self.blocks.clear();
        self.blocks.shrink_to(1 << 16);
        done
    }
}

fn append(file: &mut File, blocks: &[u8], written: u64) -> io::Result<()> {
    let done = file.write_all(blocks);
    if done.is_err() {
        // Half a block would make all that follows unreadable.
        file.set_len(written)?;
    }
    done
}

fn create(path: &Path, blocks: &[u8]) -> io::Result<File> {
    let aside = path.with_extension("pcapng.tmp");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&aside)?;
    let done = file.write_all(blocks).and_then(|()| file.sync_data()).and_then(|()| fs::rename(&aside, path));
    if let Err(error) = done {
        // The first error tells; this one could only follow from it.
        let _ = fs::remove_file(&aside);
        return Err(error);
    }
    OpenOptions::new().append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FrameEvent;
    use crate::source::capture::Merged;
    use crate::state::SiteAddr;
    use crate::time::Time;
    use sensor_ebpf::flow::FlowKey;
    use sensor_ebpf::record::Ring;

    const NAMES: BTreeMap<u8, String> = BTreeMap::new();

    /// Frames of 60 bytes, a second apart, in turn from two interfaces.
    fn memory(count: u64) -> Memory {
        let mut memory = Memory::new(1 << 20, u64::MAX);
        for n in 0..count {
            let key = FlowKey { place: (n as u32 & 1) << 24, ..FlowKey::default() };
            let frame = FrameEvent {
                at: Time::from_seconds(n),
                key,
                ring: Ring::Access,
                frame: &[n as u8; 60],
                payload_at: 0,
                payload_len: 0,
                wire_len: 100,
                flags: 0,
                notes: 0,
            };
            memory.keep(&frame, [SiteAddr::from([10, 0, 0, 1]); 2]);
        }
        memory
    }

    fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("incident-{name}-{}.pcapng", std::process::id()));
        let _left_by_a_run_that_was_killed = fs::remove_file(&path);
        path
    }

    /// Seconds, interface, first byte and length on the wire of each frame in the file.
    fn read(path: &Path) -> Vec<(u64, u32, u8, u32)> {
        let mut files = Merged::open(&[path.to_owned()]).unwrap();
        let mut all = Vec::new();
        while let Some(packet) = files.next() {
            let packet = packet.unwrap();
            assert_eq!(packet.frame.len(), 60);
            all.push((packet.at.seconds(), packet.interface, packet.frame[0], packet.wire_len));
        }
        all
    }

    fn add(capture: &mut Capture, memory: &Memory, ids: std::ops::Range<u64>) {
        for kept in memory.from(ids.start).take_while(|kept| kept.id < ids.end) {
            capture.add(kept, memory, &NAMES, &[format!("frame {}", kept.id)]);
        }
        capture.flush().unwrap();
    }

    #[test]
    fn what_was_written_is_read_back_and_gone_on_with() {
        let (path, memory) = (path("read-back"), memory(6));
        let mut capture = Capture::new(path.clone(), 1 << 20, vec!["Incident 1".to_owned()], false);
        assert!(!path.exists(), "nothing to write, no file");
        add(&mut capture, &memory, 0..2);
        add(&mut capture, &memory, 2..3);
        assert_eq!(read(&path), [(0, 0, 0, 100), (1, 1, 1, 100), (2, 0, 2, 100)]);
        // Another process: another section, of interfaces that are called the same.
        let mut next = Capture::new(path.clone(), 1 << 20, Vec::new(), true);
        add(&mut next, &memory, 3..5);
        assert_eq!(read(&path).get(3..), Some(&[(3, 1, 3, 100), (4, 0, 4, 100)][..]));
        // A new incident of that number: the old file goes.
        add(&mut Capture::new(path.clone(), 1 << 20, Vec::new(), false), &memory, 5..6);
        assert_eq!(read(&path), [(5, 0, 5, 100)]);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_never_outgrows_its_limit_and_counts_what_found_no_room() {
        let (path, memory) = (path("limit"), memory(50));
        let mut capture = Capture::new(path.clone(), 2000, Vec::new(), false);
        add(&mut capture, &memory, 0..20);
        add(&mut capture, &memory, 20..50);
        let len = fs::metadata(&path).unwrap().len();
        assert!(len <= 2000 && len > 1800, "{len}");
        assert_eq!(read(&path).len() as u64, capture.frames);
        assert_eq!(capture.frames + capture.refused, 50);
        assert!(capture.is_full());
        assert_eq!(Capture::new(path.clone(), 2000, Vec::new(), true).room(), 2000 - len);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_disk_that_refuses_leaves_no_half_block_and_the_next_attempt_begins_a_section() {
        let (path, memory) = (path("refused"), memory(3));
        let mut capture = Capture::new(path.clone(), 1 << 20, Vec::new(), false);
        add(&mut capture, &memory, 0..1);
        // As where the disk is full.
        capture.file = Some(File::open(&path).unwrap());
        for kept in memory.from(1).take(1) {
            capture.add(kept, &memory, &NAMES, &[]);
        }
        assert!(capture.flush().is_err());
        capture.file = Some(OpenOptions::new().append(true).open(&path).unwrap());
        add(&mut capture, &memory, 2..3);
        assert_eq!(read(&path), [(0, 0, 0, 100), (2, 0, 2, 100)]);
        fs::remove_file(path).unwrap();
        let nowhere = std::env::temp_dir().join("isthmus-no-such-directory").join("incident-1.pcapng");
        let mut capture = Capture::new(nowhere, 1 << 20, Vec::new(), false);
        for kept in memory.from(0).take(1) {
            capture.add(kept, &memory, &NAMES, &[]);
        }
        assert!(capture.flush().is_err());
    }
}
