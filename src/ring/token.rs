//! `user_data`: which operation, on which slot, of which of the slot's connections.

/// The kind of operation a completion answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Op {
    Connect = 1,
    Receive = 2,
    /// A send whose success is silent.
    Send = 3,
    /// A send whose end is always reported.
    SendConfirmed = 4,
    Accept = 5,
    /// As `SendConfirmed`, of bytes shared with the caller.
    SendShared = 6,
    /// A receive into memory lent to it alone; the slot is then the buffer's number.
    ReceiveOwn = 7,
    /// Of what is left at the ring's end.
    Cancel = 8,
    /// As `Receive`, with the kernel's stamp.
    ReceiveStamped = 9,
    /// A send of a block; the slot is then the block's number.
    SendBlock = 10,
}

const GENERATION_BITS: u32 = 24;

/// Generations wrap here. A slot would have to be reopened 16 million times while one completion is still on its way.
pub(super) const GENERATIONS: u32 = 1 << GENERATION_BITS;

/// Packed as operation (8 bits), generation (24), slot (32).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token(pub u64);

impl Token {
    #[inline]
    pub(super) fn new(op: Op, slot: u32, generation: u32) -> Token {
        debug_assert!(generation < GENERATIONS);
        Token(u64::from(op as u8) << 56 | u64::from(generation) << 32 | u64::from(slot))
    }

    #[inline]
    pub(super) fn op(self) -> Option<Op> {
        match (self.0 >> 56) as u8 {
            1 => Some(Op::Connect),
            2 => Some(Op::Receive),
            3 => Some(Op::Send),
            4 => Some(Op::SendConfirmed),
            5 => Some(Op::Accept),
            6 => Some(Op::SendShared),
            7 => Some(Op::ReceiveOwn),
            8 => Some(Op::Cancel),
            9 => Some(Op::ReceiveStamped),
            10 => Some(Op::SendBlock),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn slot(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    pub(super) fn generation(self) -> u32 {
        (self.0 >> 32) as u32 & (GENERATIONS - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_survive_packing() {
        let sends = [Op::Send, Op::SendConfirmed, Op::SendShared];
        let ops = [Op::Connect, Op::Receive, Op::Accept, Op::ReceiveOwn, Op::Cancel, Op::ReceiveStamped, Op::SendBlock]
            .into_iter()
            .chain(sends);
        for op in ops {
            for slot in [0, 1, 59_999, u32::MAX] {
                for generation in [0, 1, GENERATIONS - 1] {
                    let token = Token::new(op, slot, generation);
                    assert_eq!((token.op(), token.slot(), token.generation()), (Some(op), slot, generation));
                }
            }
        }
        assert_eq!(Token(0).op(), None);
    }
}
