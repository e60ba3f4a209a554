//! Units of measurement and currencies: how they are read after one and after several.

/// `(written, read)`; the plural adds an `s` to the first word unless it is given after a bar.
const UNITS: &[(&str, &str)] = &[
    ("%", "percent|percent"),
    ("‰", "per mille|per mille"),
    ("°C", "degree Celsius"),
    ("°F", "degree Fahrenheit"),
    ("℃", "degree Celsius"),
    ("℉", "degree Fahrenheit"),
    ("° C", "degree Celsius"),
    ("° F", "degree Fahrenheit"),
    ("°", "degree"),
    ("kmh", "kilometer per hour"),
    ("kph", "kilometer per hour"),
    ("mph", "mile per hour"),
    ("km²", "square kilometer"),
    ("km³", "cubic kilometer"),
    ("km2", "square kilometer"),
    ("m²", "square meter"),
    ("m2", "square meter"),
    ("cm²", "square centimeter"),
    ("m³", "cubic meter"),
    ("m3", "cubic meter"),
    ("cm³", "cubic centimeter"),
    ("km", "kilometer"),
    ("cm", "centimeter"),
    ("mm", "millimeter"),
    ("µm", "micrometer"),
    ("μm", "micrometer"),
    ("nm", "nanometer"),
    ("m", "meter"),
    ("mi", "mile"),
    ("yd", "yard"),
    ("ft", "foot|feet"),
    ("ha", "hectare"),
    ("kg", "kilogram"),
    ("mg", "milligram"),
    ("µg", "microgram"),
    ("μg", "microgram"),
    ("mcg", "microgram"),
    ("g", "gram"),
    ("lbs", "pound"),
    ("lb", "pound"),
    ("oz", "ounce"),
    ("ml", "milliliter"),
    ("mL", "milliliter"),
    ("cl", "centiliter"),
    ("dl", "deciliter"),
    ("L", "liter"),
    ("l", "liter"),
    ("gal", "gallon"),
    ("kB", "kilobyte"),
    ("KB", "kilobyte"),
    ("MB", "megabyte"),
    ("GB", "gigabyte"),
    ("TB", "terabyte"),
    ("kbps", "kilobit per second"),
    ("Mbps", "megabit per second"),
    ("mbps", "megabit per second"),
    ("Gbps", "gigabit per second"),
    ("Hz", "hertz|hertz"),
    ("kHz", "kilohertz|kilohertz"),
    ("MHz", "megahertz|megahertz"),
    ("GHz", "gigahertz|gigahertz"),
    ("kWh", "kilowatt hour"),
    ("mAh", "milliamp hour"),
    ("kW", "kilowatt"),
    ("MW", "megawatt"),
    ("GW", "gigawatt"),
    ("W", "watt"),
    ("kV", "kilovolt"),
    ("mV", "millivolt"),
    ("V", "volt"),
    ("mA", "milliamp"),
    ("kJ", "kilojoule"),
    ("kcal", "kilocalorie"),
    ("kPa", "kilopascal"),
    ("hPa", "hectopascal"),
    ("Pa", "pascal"),
    ("psi", "pound per square inch"),
    ("dB", "decibel"),
    ("rpm", "revolution per minute"),
    ("bpm", "beat per minute"),
    ("ppm", "part per million"),
    ("fps", "frame per second"),
    ("dpi", "dot per inch"),
    ("px", "pixel"),
    ("ms", "millisecond"),
    ("µs", "microsecond"),
    ("μs", "microsecond"),
    ("µF", "microfarad"),
    ("μF", "microfarad"),
    ("µL", "microliter"),
    ("μL", "microliter"),
    ("tsp", "teaspoon"),
    ("tbsp", "tablespoon"),
    ("wks", "week"),
    ("wk", "week"),
    ("mpg", "mile per gallon"),
    ("ns", "nanosecond"),
    ("secs", "second"),
    ("sec", "second"),
    ("s", "second"),
    ("mins", "minute"),
    ("min", "minute"),
    ("hrs", "hour"),
    ("hr", "hour"),
    ("h", "hour"),
    ("yrs", "year"),
    ("yr", "year"),
    ("sq ft", "square foot|square feet"),
    ("sq mi", "square mile"),
    ("fl oz", "fluid ounce"),
    ("cc", "cubic centimeter"),
];

/// `(written, read)` after a stroke: "10 GB/day".
const PER: &[(&str, &str)] = &[
    ("s²", "second squared"),
    ("s", "second"),
    ("sec", "second"),
    ("second", "second"),
    ("min", "minute"),
    ("minute", "minute"),
    ("h", "hour"),
    ("hr", "hour"),
    ("hour", "hour"),
    ("d", "day"),
    ("day", "day"),
    ("night", "night"),
    ("wk", "week"),
    ("week", "week"),
    ("mo", "month"),
    ("month", "month"),
    ("yr", "year"),
    ("year", "year"),
    ("person", "person"),
    ("m", "meter"),
    ("m²", "square meter"),
    ("m2", "square meter"),
    ("m³", "cubic meter"),
    ("m3", "cubic meter"),
    ("km", "kilometer"),
    ("mi", "mile"),
    ("g", "gram"),
    ("kg", "kilogram"),
    ("lb", "pound"),
    ("oz", "ounce"),
    ("ml", "milliliter"),
    ("l", "liter"),
    ("L", "liter"),
    ("gal", "gallon"),
    ("kWh", "kilowatt hour"),
];

/// `(sign, unit, plural, hundredth, plural)`.
pub(super) type Currency = (&'static str, &'static str, &'static str, &'static str, &'static str);

const CURRENCIES: &[Currency] = &[
    ("US$", "U.S. dollar", "U.S. dollars", "cent", "cents"),
    ("C$", "Canadian dollar", "Canadian dollars", "cent", "cents"),
    ("CA$", "Canadian dollar", "Canadian dollars", "cent", "cents"),
    ("A$", "Australian dollar", "Australian dollars", "cent", "cents"),
    ("AU$", "Australian dollar", "Australian dollars", "cent", "cents"),
    ("NZ$", "New Zealand dollar", "New Zealand dollars", "cent", "cents"),
    ("HK$", "Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    ("S$", "Singapore dollar", "Singapore dollars", "cent", "cents"),
    ("R$", "Brazilian real", "Brazilian reals", "centavo", "centavos"),
    ("$", "dollar", "dollars", "cent", "cents"),
    ("£", "pound", "pounds", "penny", "pence"),
    ("€", "euro", "euros", "cent", "cents"),
    ("¥", "yen", "yen", "", ""),
    ("₹", "rupee", "rupees", "paisa", "paise"),
    ("₽", "ruble", "rubles", "kopek", "kopeks"),
    ("₩", "won", "won", "", ""),
    ("USD", "dollar", "dollars", "cent", "cents"),
    ("EUR", "euro", "euros", "cent", "cents"),
    ("GBP", "pound", "pounds", "penny", "pence"),
    ("JPY", "yen", "yen", "", ""),
    ("¢", "cent", "cents", "", ""),
];

/// The currency that `text` begins with.
pub(super) fn currency(text: &str) -> Option<&'static Currency> {
    CURRENCIES.iter().find(|c| text.starts_with(c.0))
}

/// The longest unit that `text` begins with and that ends there, with what it is divided by: bytes and reading.
pub(super) fn unit(text: &str, plural: bool) -> Option<(usize, String)> {
    let ends = |symbol: &str| {
        let after = &text[symbol.len()..];
        if after.starts_with('/') { per(after).is_some() } else { !goes_on(after) }
    };
    let (symbol, reading) =
        UNITS.iter().filter(|(s, _)| text.starts_with(s) && ends(s)).max_by_key(|(s, _)| s.len())?;
    let (one, many) = reading.split_once('|').unwrap_or((reading, ""));
    let mut reading = match (plural, many) {
        (false, _) => one.to_owned(),
        (true, "") => pluralize_head(one),
        (true, many) => many.to_owned(),
    };
    let mut bytes = symbol.len();
    if let Some((length, divisor)) = per(&text[bytes..]) {
        bytes += length;
        reading += &divisor;
    }
    Some((bytes, reading))
}

/// "/day": " per day".
pub(super) fn per(text: &str) -> Option<(usize, String)> {
    let after = text.strip_prefix('/')?;
    let fits = |symbol: &str| after.strip_prefix(symbol).is_some_and(|rest| !goes_on(rest) && !rest.starts_with('/'));
    let (symbol, name) = PER.iter().find(|(symbol, _)| fits(symbol))?;
    Some((1 + symbol.len(), format!(" per {name}")))
}

fn goes_on(after: &str) -> bool {
    after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// "degree Celsius" → "degrees Celsius", "square mile" → "square miles", "watt hour" → "watt hours".
fn pluralize_head(reading: &str) -> String {
    let (head, rest) = match (reading.find(" per "), reading.strip_prefix("degree")) {
        (Some(at), _) => reading.split_at(at),
        (None, Some(rest)) => ("degree", rest),
        (None, None) => (reading, ""),
    };
    format!("{head}s{rest}")
}
