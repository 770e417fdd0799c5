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
