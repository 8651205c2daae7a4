//! Rectangles by weight, each as square as it gets: the way of Bruls, Huizing and van Wijk, in integers.

use super::{Form, Rectangle};

/// Fills a rectangle with one for each weight, each as square as it gets: weights come the largest first.
pub(super) fn squarify(weights: &[u64], whole: Rectangle, form: &Form) -> Vec<Rectangle> {
    let mut places = Vec::with_capacity(weights.len());
    let mut free = whole;
    let mut rest = weights;
    while !rest.is_empty() {
        let total: u128 = rest.iter().map(|weight| u128::from(*weight)).sum();
        let (width, height) = (free.width * form.width, free.height * form.height);
        let row = row_length(rest, total, width.min(height), width.max(height));
        let (taken, left) = rest.split_at(row);
        let sum: u128 = taken.iter().map(|weight| u128::from(*weight)).sum();
        let across = |side: u64| match left {
            [] => side,
            _ => u64::try_from(u128::from(side) * sum / total.max(1)).unwrap_or(side),
        };
        let strip = if width >= height {
            Rectangle { width: across(free.width), ..free }
        } else {
            Rectangle { height: across(free.height), ..free }
        };
        cut(taken, sum, strip, width >= height, &mut places);
        if width >= height {
            free = Rectangle { x: free.x + strip.width, width: free.width - strip.width, ..free };
        } else {
            free = Rectangle { y: free.y + strip.height, height: free.height - strip.height, ..free };
        }
        rest = left;
    }
    places
}

/// Returns how many weights make a row along the shorter side whose worst rectangle is the most square.
fn row_length(weights: &[u64], total: u128, short: u64, long: u64) -> usize {
    let (mut row, mut sum, mut best) = (0, 0_u128, u128::MAX);
    let first = weights.first().copied().map_or(1, u128::from).max(1);
    for weight in weights {
        let next = sum + u128::from(*weight);
        // A row of this sum is `long * next / total` thick; its rectangles are `short * weight / next` long.
        let thick = (u128::from(long) * next / total.max(1)).max(1);
        let longest = (u128::from(short) * first / next.max(1)).max(1);
        let shortest = (u128::from(short) * u128::from(*weight) / next.max(1)).max(1);
        let ratio = (longest * 1000 / thick).max(thick * 1000 / shortest);
        if ratio > best {
            break;
        }
        (row, sum, best) = (row + 1, next, ratio);
    }
    row.max(1)
}

/// Cuts a strip into one rectangle for each weight, without a gap.
fn cut(weights: &[u64], sum: u128, strip: Rectangle, is_column: bool, places: &mut Vec<Rectangle>) {
    let side = if is_column { strip.height } else { strip.width };
    let at = |part: u128| u64::try_from(u128::from(side) * part / sum.max(1)).unwrap_or(side);
    let mut before = 0_u128;
    for weight in weights {
        let after = before + u128::from(*weight);
        let (from, to) = (at(before), at(after));
        places.push(if is_column {
            Rectangle { y: strip.y + from, height: to - from, ..strip }
        } else {
            Rectangle { x: strip.x + from, width: to - from, ..strip }
        });
        before = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::treemap::{UNIT, WIDE};

    const WHOLE: Rectangle = Rectangle { x: 0, y: 0, width: UNIT, height: UNIT };

    #[test]
    fn the_example_of_the_paper_comes_out() {
        let form = Form { width: 6, height: 4, labelled: 6, packages: 9, files: 9 };
        let places = squarify(&[6, 6, 4, 3, 2, 2, 1], WHOLE, &form);
        let pixels: Vec<_> = places
            .iter()
            .map(|at| [at.x * 6, at.y * 4, at.width * 6, at.height * 4].map(|length| (length + 50) / 100))
            .collect();
        // The first two stand one above the other on the left half, as in figure 5 of the paper.
        assert_eq!(pixels[0], [0, 0, 300, 200]);
        assert_eq!(pixels[1], [0, 200, 300, 200]);
        assert_eq!(pixels.len(), 7);
    }

    #[test]
    fn nothing_overlaps_and_nothing_is_left() {
        for weights in
            [&[1_u64][..], &[u64::MAX, u64::MAX, 1], &[5, 5, 5, 5, 5], &[1000, 10, 1, 0, 0], &[0, 0]]
        {
            let places = squarify(weights, WHOLE, &WIDE);
            assert_eq!(places.len(), weights.len());
            let area: u128 = places.iter().map(|at| u128::from(at.width) * u128::from(at.height)).sum();
            if weights.iter().any(|weight| *weight > 0) {
                assert_eq!(area, u128::from(UNIT * UNIT), "{weights:?}: {places:?}");
            }
            for (number, a) in places.iter().enumerate() {
                for b in &places[number + 1..] {
                    let apart = a.x + a.width <= b.x
                        || b.x + b.width <= a.x
                        || a.y + a.height <= b.y
                        || b.y + b.height <= a.y;
                    assert!(apart, "{a:?} {b:?}");
                }
            }
        }
    }
}
