//! Items in chunks that are worth handing from thread to thread.

use std::iter::Peekable;

/// How many items go together: enough that handing them over costs nothing beside the work, few
/// enough that none waits long for its neighbours.
const CHUNK_ITEMS: usize = 64;

/// A chunk is closed once its items weigh this much, in bytes.
pub const CHUNK_BYTES: usize = 1 << 20;

/// Draws items in chunks, each chunk with its weight in bytes.
pub struct Pack<I: Iterator, W> {
    items: Peekable<I>,
    weight: W,
}

impl<I: Iterator, W: Fn(&I::Item) -> usize> Pack<I, W> {
    /// Items that weigh about `weight` bytes each.
    pub fn new(items: I, weight: W) -> Self {
        Pack {
            items: items.peekable(),
            weight,
        }
    }
}

impl<I: Iterator, W: Fn(&I::Item) -> usize> Iterator for Pack<I, W> {
    type Item = (Vec<I::Item>, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let Pack { items, weight } = self;
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        // A heavy item goes alone, so that light ones do not weigh with it; and none is drawn to
        // look at its weight where it could not join anyway.
        while chunk.len() < CHUNK_ITEMS
            && bytes < CHUNK_BYTES
            && let Some(item) =
                items.next_if(|item| chunk.is_empty() || bytes + weight(item) <= CHUNK_BYTES)
        {
            bytes += weight(&item);
            chunk.push(item);
        }
        (!chunk.is_empty()).then_some((chunk, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(weights: impl IntoIterator<Item = usize>) -> Vec<(usize, usize)> {
        let chunks = Pack::new(weights.into_iter(), |weight: &usize| *weight);
        chunks.map(|(chunk, bytes)| (chunk.len(), bytes)).collect()
    }

    #[test]
    fn chunks_end_by_number_and_by_weight() {
        assert_eq!(sizes([]), []);
        let light = std::iter::repeat_n(1, 2 * CHUNK_ITEMS + 1);
        assert_eq!(sizes(light), [(64, 64), (64, 64), (1, 1)]);
        let half = CHUNK_BYTES / 2;
        assert_eq!(sizes([half; 3]), [(2, CHUNK_BYTES), (1, half)]);
    }

    #[test]
    fn a_heavy_item_goes_alone() {
        let heavy = 5 * CHUNK_BYTES;
        assert_eq!(sizes([1, heavy, 1, 1]), [(1, 1), (1, heavy), (2, 2)]);
    }
}
