//! A number as its decimal digits, for writing it by a format.

use super::coerce::Number;

/// The digits of a number without zeros around them.
#[derive(Clone, Debug)]
pub(super) struct Digits {
    pub negative: bool,
    /// From 0 to 9, the first one is not zero.
    digits: Vec<u8>,
    /// How many of them stand before the point; may be negative or more than there are.
    point: i32,
}

impl Digits {
    pub fn zero() -> Digits {
        Digits {
            negative: false,
            digits: Vec::new(),
            point: 0,
        }
    }

    /// The digits of a number; of a float, the 15 that count.
    pub fn of(number: Number) -> Digits {
        let (text, exponent) = match number {
            Number::Decimal(value) => (value.to_string(), 0),
            Number::Float(value) => {
                let text = format!("{value:.14e}");
                match text.split_once('e') {
                    Some((digits, exponent)) => (digits.to_owned(), exponent.parse().unwrap_or(0)),
                    None => (text, 0),
                }
            }
        };
        let negative = text.starts_with('-');
        let text = text.trim_start_matches('-');
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
        let mut digits = Digits {
            negative,
            digits,
            point: whole.len() as i32 + exponent,
        };
        digits.trim();
        digits
    }

    fn trim(&mut self) {
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..zeros);
        self.point -= zeros as i32;
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// How many digits stand before the point, at least.
    pub fn whole(&self) -> i32 {
        self.point
    }

    /// Times ten to a power.
    pub fn shifted(mut self, by: i32) -> Digits {
        if !self.is_zero() {
            self.point = self.point.saturating_add(by);
        }
        self
    }

    /// Rounded to so many digits behind the point, halves away from zero.
    pub fn rounded(mut self, places: i32) -> Digits {
        let kept = self.point.saturating_add(places);
        if kept < 0 {
            return Digits {
                negative: self.negative,
                ..Digits::zero()
            };
        }
        let kept = kept as usize;
        if kept < self.digits.len() {
            let up = self.digits[kept] >= 5;
            self.digits.truncate(kept);
            if up {
                self.carry();
            }
        }
        self.trim();
        self
    }

    fn carry(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < 9 {
                *digit += 1;
                return;
            }
            *digit = 0;
        }
        self.digits.insert(0, 1);
        self.point += 1;
    }

    /// The digit so many places before the point (from 1), or behind it (from 0 downwards).
    pub fn at(&self, place: i32) -> u8 {
        let index = self.point - place;
        match usize::try_from(index) {
            Ok(index) => self.digits.get(index).copied().unwrap_or(0),
            Err(_) => 0,
        }
    }

    /// How many digits behind the point there are.
    pub fn fraction(&self) -> i32 {
        (self.digits.len() as i32 - self.point).max(0)
    }
}
