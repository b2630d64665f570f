//! Engine time: the latest capture time that can be believed.
//!
//! One packet with a wild time must not end the window of every host. A leap forward of more than [`MAX_STEP`] is
//! provisional until [`CONFIRMING_FLOWS`] flows or [`CONFIRMING_PACKETS`] packets agree with it. Older packets move
//! nothing. At the end of a recording nothing more can come, so there [`AGREEING`] packets suffice, and so they do to
//! make the first time of all, from which a leap is a leap.

use std::time::Duration;

use crate::model::{Span, Timestamp};

/// Larger steps forward are provisional.
const MAX_STEP: Duration = Duration::from_secs(3600);
const CONFIRMING_FLOWS: u32 = 3;
const CONFIRMING_PACKETS: u32 = 100;
/// Packets that must agree before a time is believed at all.
const AGREEING: u32 = 2;
/// Packets at engine time after which a leap that nobody joined is forgotten.
const REFUTING: u32 = 32;
/// A live sensor looks up every second. Where wall time moved on by more than this in between, it did not look: the machine
/// slept, or its clock was set.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How far engine time may lie ahead of wall time on a live interface, whose frames carry the same clock's time. A larger
/// lead means that the clock was set back.
const LEAD: Duration = Duration::from_secs(60);

/// Engine time of one worker.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    confirmed: Option<Timestamp>,
    pending: Option<Pending>,
    /// Start of the stretch that is being captured without a break.
    stretch: Option<Timestamp>,
}

/// Packets that agree on a time far from engine time.
#[derive(Clone, Copy, Debug)]
struct Pending {
    span: Span,
    packets: u32,
    flows: u32,
    /// Packets at engine time since the latest of these.
    refuted: u32,
}

impl Clock {
    /// Engine time, once packets agree on one.
    pub fn now(&self) -> Option<Timestamp> {
        let agreed = self.pending.filter(|pending| pending.packets >= AGREEING);
        self.confirmed.or(agreed.map(|pending| pending.span.last))
    }

    /// Engine time, or a packet's own where that is later.
    pub fn at_least(&self, time: Timestamp) -> Timestamp {
        self.now().map_or(time, |now| now.max(time))
    }

    /// A capture begins: what lies between the last one and this was not looked at.
    pub fn begin(&mut self) {
        self.stretch = None;
    }

    /// The stretch of time that was looked at since the capture began.
    pub fn looked(&self) -> Option<Span> {
        let (first, last) = (self.stretch?, self.confirmed?);
        Some(Span {
            first: first.min(last),
            last,
        })
    }

    /// Takes the time of a packet, and whether it opened a flow.
    pub fn observe(&mut self, time: Timestamp, opened_flow: bool) {
        if let Some(now) = self.confirmed
            && time <= now.after(MAX_STEP)
        {
            self.stretch.get_or_insert(time);
            self.confirmed = Some(now.max(time));
            if let Some(pending) = &mut self.pending {
                pending.refuted += 1;
                if pending.refuted >= REFUTING {
                    self.pending = None;
                }
            }
            return;
        }
        if let (None, Some(pending)) = (self.confirmed, self.pending)
            && pending.packets >= AGREEING
            && !pending.agrees(time)
        {
            // The recording has a time already; this packet is older, or leaps.
            self.confirm();
            return self.observe(time, opened_flow);
        }
        let pending = match &mut self.pending {
            Some(pending) if pending.agrees(time) => pending,
            // A packet that agrees with nothing starts over; only agreement makes time.
            other => other.insert(Pending {
                span: Span::at(time),
                packets: 0,
                flows: 0,
                refuted: 0,
            }),
        };
        pending.span.cover(time);
        pending.packets += 1;
        pending.refuted = 0;
        pending.flows += u32::from(opened_flow);
        if pending.packets >= CONFIRMING_PACKETS || pending.flows >= CONFIRMING_FLOWS {
            self.confirm();
        }
    }

    /// Wall time on a live interface. It moves a quiet sensor on, and confirms a first time that it agrees with. Frames carry
    /// the same clock's time, so where that was set, forward or back, engine time follows at once, and what lies between was
    /// not looked at.
    pub fn tick(&mut self, wall: Timestamp) {
        if self.confirmed.is_none() && self.pending.is_some_and(|pending| pending.agrees(wall)) {
            self.confirm();
        }
        let Some(now) = self.confirmed else { return };
        if wall > now.after(LONGEST_PAUSE) || now > wall.after(LEAD) {
            self.pending = None;
            self.confirmed = Some(wall);
            self.stretch = self.stretch.map(|_| wall);
        } else {
            self.confirmed = Some(now.max(wall));
        }
    }

    /// The recording is at its end: a leap that its last packets agree on is believed. Says by how much the last
    /// packets' times were left aside, if they were.
    pub fn settle(&mut self) -> Option<Duration> {
        let pending = self.pending?;
        match self.confirmed {
            Some(_) if pending.refuted > 0 => None,
            Some(now) if pending.packets < AGREEING => {
                Some(pending.span.last.since(now)).filter(|gap| !gap.is_zero())
            }
            _ => {
                self.confirm();
                None
            }
        }
    }

    fn confirm(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.stretch.get_or_insert(pending.span.first);
            self.confirmed = self.confirmed.max(Some(pending.span.last));
        }
    }
}

impl Pending {
    fn agrees(&self, time: Timestamp) -> bool {
        time <= self.span.last.after(MAX_STEP) && time >= self.span.first.before(MAX_STEP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_unix(hours * 3600, 0)
    }

    fn started() -> Clock {
        let mut clock = Clock::default();
        for _ in 0..CONFIRMING_FLOWS {
            clock.observe(at(100), true);
        }
        clock
    }

    #[test]
    fn a_wild_packet_moves_nothing() {
        let mut clock = started();
        clock.observe(at(101), true);
        clock.observe(at(3), true);
        clock.observe(at(9000), true);
        assert_eq!(clock.now(), Some(at(101)));
        assert_eq!(clock.settle(), Some(Duration::from_secs(8899 * 3600)));
        assert_eq!(clock.now(), Some(at(101)));
    }

    #[test]
    fn wild_packets_in_the_middle_are_refuted_and_do_not_add_up() {
        let mut clock = started();
        for _ in 0..CONFIRMING_PACKETS {
            clock.observe(at(9000), false);
            clock.observe(at(9000), false);
            for _ in 0..REFUTING {
                clock.observe(at(101), false);
            }
        }
        assert_eq!(clock.settle(), None);
        assert_eq!(clock.now(), Some(at(101)));
        clock.observe(at(9000), false);
        clock.observe(at(9000), false);
        clock.observe(at(101), false);
        assert_eq!(clock.settle(), None, "they are not the last");
        assert_eq!(clock.now(), Some(at(101)));
    }

    #[test]
    fn a_short_recording_has_its_time_whatever_comes_last() {
        let mut clock = Clock::default();
        clock.observe(at(100), true);
        clock.observe(at(100), false);
        clock.observe(at(9000), true);
        assert!(clock.settle().is_some());
        assert_eq!(clock.now(), Some(at(100)));
    }

    #[test]
    fn flows_or_packets_confirm_a_leap() {
        let mut clock = started();
        for _ in 0..CONFIRMING_FLOWS {
            assert_eq!(clock.now(), Some(at(100)));
            clock.observe(at(200), true);
        }
        assert_eq!(clock.now(), Some(at(200)));
        for _ in 0..CONFIRMING_PACKETS {
            assert_eq!(clock.now(), Some(at(200)));
            clock.observe(at(300), false);
        }
        assert_eq!(clock.now(), Some(at(300)));
        assert_eq!(
            clock.looked(),
            Some(Span {
                first: at(100),
                last: at(300)
            })
        );
    }

    #[test]
    fn a_wild_first_packet_is_forgotten() {
        for wild in [at(9000), at(-9000)] {
            let mut clock = Clock::default();
            clock.observe(wild, true);
            assert_eq!(clock.now(), None);
            for _ in 0..3 {
                clock.observe(at(100), true);
            }
            assert_eq!(clock.now(), Some(at(100)));
            assert_eq!(clock.looked().map(|span| span.first), Some(at(100)));
        }
    }

    #[test]
    fn the_end_of_a_recording_needs_two_packets_that_agree() {
        let mut clock = started();
        clock.observe(at(200), true);
        clock.observe(at(200), false);
        assert_eq!(clock.settle(), None);
        assert_eq!(clock.now(), Some(at(200)));
        let mut short = Clock::default();
        short.observe(at(5), true);
        assert_eq!(short.settle(), None);
        assert_eq!(
            short.now(),
            Some(at(5)),
            "a recording of one packet has its time"
        );
    }

    #[test]
    fn ticks_move_a_quiet_sensor() {
        let mut clock = started();
        let second = |second| at(100).after(Duration::from_secs(second));
        clock.tick(second(5));
        clock.tick(second(3));
        assert_eq!(clock.now(), Some(second(5)));
        let looked = clock.looked().unwrap();
        assert_eq!((looked.first, looked.last), (at(100), second(5)));
    }

    #[test]
    fn a_first_time_with_which_the_wall_clock_agrees_is_believed() {
        let mut clock = Clock::default();
        clock.observe(at(100), true);
        clock.tick(at(5000));
        assert_eq!(clock.looked(), None);
        clock.tick(at(100).after(Duration::from_secs(1)));
        assert_eq!(clock.looked().map(|span| span.first), Some(at(100)));
    }

    #[test]
    fn a_wall_clock_that_was_set_is_followed_and_nothing_between_was_looked_at() {
        for (wrong, right) in [(9000, 100), (-9000, 100)] {
            let mut clock = Clock::default();
            for _ in 0..3 {
                clock.observe(at(wrong), true);
            }
            clock.tick(at(wrong));
            clock.observe(at(right), true);
            clock.tick(at(right));
            assert_eq!(clock.now(), Some(at(right)));
            assert_eq!(clock.looked(), Some(Span::at(at(right))), "{wrong}");
            clock.observe(at(right).after(Duration::from_secs(9)), true);
            assert_eq!(clock.looked().map(|span| span.first), Some(at(right)));
        }
    }

    #[test]
    fn a_machine_that_slept_did_not_look() {
        let mut clock = started();
        clock.tick(at(102));
        assert_eq!(clock.looked(), Some(Span::at(at(102))));
    }

    #[test]
    fn a_new_capture_is_a_new_stretch() {
        let mut clock = started();
        clock.begin();
        assert_eq!(clock.looked(), None);
        for _ in 0..3 {
            clock.observe(at(500), true);
        }
        assert_eq!(
            clock.looked(),
            Some(Span {
                first: at(500),
                last: at(500)
            })
        );
    }
}
