//! Numbers spelled out by CLDR's rule-based number format (UTS #35, part 3, "Rule-Based Number Formatting").
//!
//! The subset that spelling out whole numbers needs: `<<`, `>>`, `>>>`, `=%set=`, brackets, radices, cardinal plurals, and the
//! rule that steps back where a remainder is nothing. What asks for digits (`=#,##0=`) has no words.

use std::collections::HashMap;

use crate::data::decompress;
use crate::error::{Error, Result};

const NAME: &str = "cldr.numbers";
static RULES: &[u8] = include_bytes!("../../data/cldr.numbers.zst");

/// Deeper than this no rule of CLDR goes; it ends rules that would call each other for ever.
const MAX_DEPTH: u32 = 64;

/// The rule sets of a language.
#[derive(Debug)]
pub(crate) struct RuleSets {
    sets: HashMap<String, Vec<Rule>>,
    /// Whether 0 takes the form of one, as in Portuguese and Hindi.
    zero_is_one: bool,
}

#[derive(Debug)]
struct Rule {
    base: u64,
    divisor: u64,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    /// What is spelled of the number, by which rule set (the same where none is named).
    Number(Operand, Option<String>),
    /// Left out where the remainder is nothing.
    Optional(Vec<Part>),
    Plural {
        one: String,
        other: String,
    },
    /// Digits: no words.
    Digits,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operand {
    Quotient,
    Remainder,
    /// The remainder by the rule before this one.
    RemainderByPrevious,
    Same,
}

impl RuleSets {
    /// The rules of a language by its tag here (`en`, `es`, `fr`, `hi`, `it`, `ja`, `pt-br`, `zh`).
    pub(crate) fn new(tag: &str) -> Result<Self> {
        let raw = String::from_utf8(decompress(NAME, RULES)?).map_err(|e| Error::data(NAME, e))?;
        let mut lines = raw.lines().skip_while(|line| line.strip_prefix('@') != Some(tag));
        lines.next().ok_or_else(|| Error::data(NAME, format!("no rules for `{tag}`")))?;
        let mut sets: HashMap<String, Vec<Rule>> = HashMap::new();
        let mut set = String::new();
        for line in lines.take_while(|line| !line.starts_with('@')) {
            if let Some(name) = line.strip_suffix(':').filter(|name| name.starts_with('%')) {
                set = name.trim_start_matches('%').to_owned();
                sets.entry(set.clone()).or_default();
            } else if let Some(rule) = rule(line) {
                sets.entry(set.clone()).or_default().push(rule);
            }
        }
        Ok(Self { sets, zero_is_one: matches!(tag, "pt-br" | "hi" | "fr") })
    }

    /// `number` by the rule set `set` (`spellout-cardinal` …); none where CLDR has no words for it.
    pub(crate) fn spell(&self, set: &str, number: u64) -> Option<String> {
        let mut words = String::new();
        let (name, rules) = self.sets.get_key_value(set)?;
        self.write(&mut words, (name, rules), select(rules, number)?, number, 0)?;
        Some(words)
    }

    fn write(&self, out: &mut String, set: (&str, &[Rule]), at: usize, number: u64, depth: u32) -> Option<()> {
        let rule = set.1.get(at)?;
        self.write_parts(out, &rule.parts, set, (at, rule.divisor), number, depth)
    }

    fn write_parts(
        &self,
        out: &mut String,
        parts: &[Part],
        set: (&str, &[Rule]),
        (at, divisor): (usize, u64),
        number: u64,
        depth: u32,
    ) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Digits => return None,
                Part::Optional(_) if number.is_multiple_of(divisor) => {}
                Part::Optional(parts) => self.write_parts(out, parts, set, (at, divisor), number, depth + 1)?,
                Part::Plural { one, other } => {
                    let count = number / divisor;
                    let singular = count == 1 || (count == 0 && self.zero_is_one);
                    out.push_str(if singular { one } else { other });
                }
                Part::Number(operand, named) => {
                    let value = match operand {
                        Operand::Quotient => number / divisor,
                        Operand::Remainder | Operand::RemainderByPrevious => number % divisor,
                        Operand::Same => number,
                    };
                    let (name, rules) = match named {
                        Some(name) => self.sets.get_key_value(name).map(|(name, rules)| (name.as_str(), &rules[..]))?,
                        None => set,
                    };
                    let next = match operand {
                        Operand::RemainderByPrevious => at.checked_sub(1)?,
                        _ => select(rules, value)?,
                    };
                    self.write(out, (name, rules), next, value, depth + 1)?;
                }
            }
        }
        Some(())
    }
}

/// The rule for a number: the last whose base it reaches, or the one before, if that has a remainder that the number lacks.
fn select(rules: &[Rule], number: u64) -> Option<usize> {
    let at = rules.partition_point(|rule| rule.base <= number).checked_sub(1)?;
    let Rule { base, divisor, parts } = &rules[at];
    let remainder = parts.iter().any(|part| matches!(part, Part::Number(Operand::Remainder, _)));
    let steps_back = remainder && number.is_multiple_of(*divisor) && !base.is_multiple_of(*divisor);
    Some(if steps_back { at.saturating_sub(1) } else { at })
}

/// A rule such as `80/20: quatre-vingt[->>];`; none for those of signs and fractions.
fn rule(line: &str) -> Option<Rule> {
    let (head, body) = line.split_once(':')?;
    let shift = head.bytes().filter(|b| *b == b'>').count() as u32;
    let head = head.trim_end_matches('>');
    let (base, radix) = match head.split_once('/') {
        Some((base, radix)) => (base.parse().ok()?, radix.parse().ok()?),
        None => (head.parse::<u64>().ok()?, 10u64),
    };
    let body = body.trim_start().trim_end_matches(';');
    let body = body.strip_prefix('\'').unwrap_or(body);
    let exponent = if base < radix { 0 } else { base.ilog(radix) };
    let divisor = radix.pow(exponent.saturating_sub(shift));
    Some(Rule { base, divisor, parts: parts(body)? })
}

fn parts(body: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = body;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '[' => {
                let end = rest.find(']')?;
                parts.push(Part::Optional(self::parts(&rest[1..end])?));
                end + 1
            }
            '$' => {
                let end = rest[1..].find('$')? + 2;
                let form = |name: &str| {
                    let from = rest[..end].find(&format!("{name}{{"))? + name.len() + 1;
                    Some(rest[from..from + rest[from..end].find('}')?].to_owned())
                };
                let other = form("other")?;
                parts.push(Part::Plural { one: form("one").unwrap_or_else(|| other.clone()), other });
                end
            }
            '>' if rest.starts_with(">>>") => {
                parts.push(Part::Number(Operand::RemainderByPrevious, None));
                3
            }
            '<' | '>' | '=' => {
                let end = rest[1..].find(first)? + 1;
                let operand = match first {
                    '<' => Operand::Quotient,
                    '>' => Operand::Remainder,
                    _ => Operand::Same,
                };
                parts.push(match &rest[1..end] {
                    "" => Part::Number(operand, None),
                    set if set.starts_with('%') => Part::Number(operand, Some(set.trim_start_matches('%').to_owned())),
                    _ => Part::Digits,
                });
                end + 1
            }
            _ => {
                let end = rest.find(['[', '$', '<', '>', '=']).unwrap_or(rest.len());
                parts.push(Part::Text(rest[..end].to_owned()));
                end
            }
        };
        rest = &rest[taken..];
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: CLDR 48's rules followed by hand; `tests/normalization.rs` has those of unicode-rbnf and num2words.
    #[test]
    fn rules_of_every_kind() {
        for (tag, set, number, words) in [
            ("fr", "spellout-cardinal-masculine", 80, "quatre-vingts"),
            ("fr", "spellout-cardinal-masculine", 81, "quatre-vingt-un"),
            ("fr", "spellout-cardinal-masculine", 71, "soixante-et-onze"),
            ("fr", "spellout-cardinal-masculine", 280_000, "deux cent quatre-vingt mille"),
            ("fr", "spellout-numbering-year", 1984, "dix-neuf-cent quatre-vingt-quatre"),
            ("fr", "spellout-ordinal-masculine", 21, "vingt-et-unième"),
            ("es", "spellout-cardinal-feminine", 21_201, "veintiún mil doscientas una"),
            ("it", "spellout-numbering", 28, "ventotto"),
            ("it", "spellout-ordinal-masculine", 23, "ventitreesimo"),
            ("pt-br", "spellout-cardinal-masculine", 1_100, "mil e cem"),
            ("pt-br", "spellout-cardinal-masculine", 1_984, "mil novecentos e oitenta e quatro"),
            ("pt-br", "spellout-cardinal-masculine", 2_000_000, "dois milhões"),
            ("hi", "spellout-cardinal", 12_345_678, "एक करोड़ तेईस लाख पैंतालीस हज़ार छह सौ अठहत्तर"),
        ] {
            assert_eq!(RuleSets::new(tag).unwrap().spell(set, number).as_deref(), Some(words), "{tag} {number}");
        }
        assert_eq!(RuleSets::new("es").unwrap().spell("spellout-cardinal-masculine", 10u64.pow(18)), None);
        assert!(RuleSets::new("tlh").is_err());
    }
}
