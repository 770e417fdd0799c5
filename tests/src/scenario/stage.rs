//! A discrete-event loop: actors wake, emit frames from then on, and say when they wake again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::conversation::Frame;

/// Somebody who does something from time to time.
pub trait Actor: Send {
    /// Acts at `now_ns`; frames emitted must not be earlier. Returns when to act again, `None` when done.
    fn act(&mut self, now_ns: u64, scene: &mut Scene) -> Option<u64>;
}

impl<F: FnMut(u64, &mut Scene) -> Option<u64> + Send> Actor for F {
    fn act(&mut self, now_ns: u64, scene: &mut Scene) -> Option<u64> {
        self(now_ns, scene)
    }
}

/// What an actor may do to the world.
#[derive(Default)]
pub struct Scene {
    frames: Vec<Frame>,
    actors: Vec<(u64, Box<dyn Actor>)>,
}

impl Scene {
    /// Sends frames, in any order.
    pub fn emit(&mut self, frames: impl IntoIterator<Item = Frame>) {
        self.frames.extend(frames);
    }

    /// Brings in another actor, who first acts at `due_ns`.
    pub fn enter(&mut self, due_ns: u64, actor: impl Actor + 'static) {
        self.actors.push((due_ns, Box::new(actor)));
    }
}

/// Ordered by the key alone: time, then order of arrival, so that equal times keep a fixed order.
struct Keyed<T> {
    key: (u64, u64),
    value: T,
}

impl<T> PartialEq for Keyed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl<T> Eq for Keyed<T> {}
impl<T> PartialOrd for Keyed<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Keyed<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

/// All actors and the frames they have announced: an iterator of frames in order of time, ending at a given time.
///
/// Memory is bounded by the number of actors and what each emits in one act, not by the length of the play.
pub struct Stage {
    end_ns: u64,
    arrivals: u64,
    actors: BinaryHeap<Reverse<Keyed<Box<dyn Actor>>>>,
    frames: BinaryHeap<Reverse<Keyed<Frame>>>,
}

impl Stage {
    /// An empty stage; nothing at or after `end_ns` happens.
    #[must_use]
    pub fn new(end_ns: u64) -> Self {
        Self { end_ns, arrivals: 0, actors: BinaryHeap::new(), frames: BinaryHeap::new() }
    }

    /// Brings in an actor, who first acts at `due_ns`.
    pub fn enter(&mut self, due_ns: u64, actor: impl Actor + 'static) {
        self.enter_boxed(due_ns, Box::new(actor));
    }

    fn enter_boxed(&mut self, due_ns: u64, actor: Box<dyn Actor>) {
        if due_ns < self.end_ns {
            self.arrivals += 1;
            self.actors.push(Reverse(Keyed { key: (due_ns, self.arrivals), value: actor }));
        }
    }

    fn run_next_actor(&mut self) {
        let Some(Reverse(Keyed { key: (now, _), value: mut actor })) = self.actors.pop() else { return };
        let mut scene = Scene::default();
        let again = actor.act(now, &mut scene);
        for frame in scene.frames {
            assert!(frame.at_ns >= now, "an actor at {now} sent a frame for {}", frame.at_ns);
            if frame.at_ns < self.end_ns {
                self.arrivals += 1;
                self.frames.push(Reverse(Keyed { key: (frame.at_ns, self.arrivals), value: frame }));
            }
        }
        for (due, newcomer) in scene.actors {
            self.enter_boxed(due.max(now), newcomer);
        }
        if let Some(due) = again {
            self.enter_boxed(due.max(now), actor);
        }
    }
}

impl Iterator for Stage {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        loop {
            let actor_due = self.actors.peek().map(|a| a.0.key.0);
            match (self.frames.peek().map(|f| f.0.key.0), actor_due) {
                (Some(frame), Some(actor)) if frame < actor => break,
                (Some(_), None) => break,
                (None, None) => return None,
                _ => self.run_next_actor(),
            }
        }
        self.frames.pop().map(|frame| frame.0.value)
    }
}
