//! Readings, one table a class.

use super::*;
use crate::english::tagger::Tagger;
use crate::english::tokenizer::Tokenizer;

/// The text with every item replaced by its reading; letters in capitals with dots, pauses as commas.
fn read(text: &str, dialect: Dialect) -> String {
    thread_local! {
        static TAGGER: (Tagger, Tokenizer) = {
            let (tagger, exceptions) = Tagger::new().unwrap();
            (tagger, Tokenizer::new(&exceptions))
        };
    }
    let normalizer = Normalizer::new(dialect).unwrap();
    let items = TAGGER.with(|(tagger, tokenizer)| {
        let tokens = tokenizer.tokenize(text);
        let tags = tagger.tag(text, &tokens);
        normalizer.items(text, Tagged { tokens: &tokens, tags: &tags }, None)
    });
    let mut said = String::new();
    let mut at = 0;
    for item in items {
        said += &text[at..item.range.start];
        at = item.range.end;
        let mut reading = String::new();
        for say in item.say {
            let (gap, part) = match say {
                Say::Words(words) => (" ", words),
                Say::Letters(letters) => (" ", letters.chars().map(|c| format!("{c}.")).collect()),
                Say::Pause => ("", ",".to_owned()),
                Say::Possessive => ("", "'s".to_owned()),
            };
            if !reading.is_empty() {
                reading += gap;
            }
            reading += &part;
        }
        said += &reading;
    }
    said + &text[at..]
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(read(text, Dialect::American), *expected, "{text}");
    }
}

#[test]
fn numbers() {
    check(&[
        ("0", "zero"),
        ("1 000 000", "one million"),
        ("1'000'000", "one million"),
        ("100 200 300", "one hundred two hundred three hundred"),
        ("1.5e-3", "one point five times ten to the minus three"),
        ("12 eggs", "twelve eggs"),
        ("1,234", "one thousand two hundred thirty-four"),
        ("12345", "twelve thousand three hundred forty-five"),
        ("4500 men", "four thousand five hundred men"),
        ("1,000,000", "one million"),
        ("3.14", "three point one four"),
        ("1.0", "one point zero"),
        (".75", "point seven five"),
        ("-3", "minus three"),
        ("−40", "minus forty"),
        ("007", "zero zero seven"),
        ("(42)", "(forty-two)"),
        ("42.", "forty-two."),
        ("1, 2, 3.", "one, two, three."),
        ("1.2.3", "one point two point three"),
        ("192.168.0.1", "one hundred ninety-two dot one hundred sixty-eight dot zero dot one"),
        ("#5", "number five"),
        ("± 3 or ±3", "plus or minus 3 or plus or minus three".replace("minus 3", "minus three").as_str()),
    ]);
}

#[test]
fn words_with_digits_are_left_to_the_word_rules() {
    for text in ["MP3", "F-16", "COVID-19", "10-year-old", "B2B", "x86-64", "1-800-FLOWERS", "v2", "3D", "747s"] {
        assert_eq!(read(text, Dialect::American), text);
    }
}

#[test]
fn ordinals() {
    check(&[
        ("1st", "first"),
        ("3rd-5th", "thirdtofifth"),
        ("1st–3rd", "firsttothird"),
        ("2nd", "second"),
        ("3rd", "third"),
        ("the 11th", "the eleventh"),
        ("21st-century", "twenty-first-century"),
        ("101st", "one hundred first"),
        ("1,000th", "one thousandth"),
    ]);
}

#[test]
fn years_and_decades() {
    check(&[
        ("in 1984", "in nineteen eighty-four"),
        ("1905", "nineteen oh five"),
        ("1900", "nineteen hundred"),
        ("2005", "two thousand five"),
        ("2024", "twenty twenty-four"),
        ("1066", "ten sixty-six"),
        ("the 1990s", "the nineteen nineties"),
        ("the '80s", "the eighties"),
        ("100s of people", "hundreds of people"),
        ("1000s", "thousands"),
        ("the 1970s-1980s", "the nineteen seventiestonineteen eighties"),
        ("10,000s", "ten thousands"),
        ("the ’60s", "the sixties"),
        ("the 80s", "the eighties"),
        ("the 1900s", "the nineteen hundreds"),
        ("the 1980's", "the nineteen eighties"),
        ("class of '99", "class of ninety-nine"),
        ("'05", "oh five"),
    ]);
}

#[test]
fn times() {
    check(&[
        ("17:45", "seventeen forty-five"),
        ("5:05", "five oh five"),
        ("5:00", "five o'clock"),
        ("17:00", "seventeen hundred"),
        ("5 p.m.", "five P.M."),
        ("5pm", "five P.M."),
        ("5:30 a.m.", "five thirty A.M."),
        ("11:59PM", "eleven fifty-nine P.M."),
        ("6:00 pm", "six P.M."),
        ("9:15-10:30", "nine fifteen to ten thirty"),
        ("1:02:03", "one oh two and three seconds"),
        ("30:70", "thirty to seventy"),
        ("16:9", "sixteen to nine"),
        ("1:100", "one to one hundred"),
        ("9–5:30", "nine to five thirty"),
        ("At 5pm. At 6 p.m.", "At five P.M.. At six P.M."),
        ("5-6pm", "five to six P.M."),
        ("10am–2pm", "ten A.M.totwo P.M."),
        ("9 a.m.-5 p.m.", "nine A.M.tofive P.M."),
        ("9 a.m. - 5 p.m.", "nine A.M. to five P.M."),
        ("GMT-3", "G.M.T. minus three"),
        ("UTC+05:30", "U.T.C. plus five thirty"),
        ("2h 30m", "two hours thirty minutes"),
        ("5m 10s", "five minutes ten seconds"),
        ("at 5 am sharp", "at five A.M. sharp"),
        ("5 amps", "5 amps".replace('5', "five").as_str()),
    ]);
}

#[test]
fn dates() {
    check(&[
        ("2024-05-01", "May first, twenty twenty-four"),
        ("5/1/2024", "May first, twenty twenty-four"),
        ("12/31/99", "December thirty-first, nineteen ninety-nine"),
        ("31/12/1999", "December thirty-first, nineteen ninety-nine"),
        ("24.12.2023", "December twenty-fourth, twenty twenty-three"),
        ("May 1st", "May first"),
        ("May 5, 2024", "May fifth, twenty twenty-four"),
        ("1 May 2024", "the first of May twenty twenty-four"),
        ("the 3rd of June", "the third of June"),
        ("the 4th of July", "the fourth of July"),
        ("Jan. 5", "January fifth"),
        ("Feb 28", "February twenty-eighth"),
        ("Sept. 2020", "September twenty twenty"),
        ("Mon., Jan. 5", "Monday, January fifth"),
        ("99/99/2024", "99/99/2024"),
    ]);
    assert_eq!(read("5/1/2024", Dialect::British), "the fifth of January, twenty twenty-four");
    assert_eq!(read("2005", Dialect::British), "two thousand and five");
}

#[test]
fn money() {
    check(&[
        ("$1", "one dollar"),
        ("$20", "twenty dollars"),
        ("£3.50", "three pounds and fifty pence"),
        ("$1.01", "one dollar and one cent"),
        ("$0.99", "ninety-nine cents"),
        ("£0.01", "one penny"),
        ("$3.00", "three dollars"),
        ("€20", "twenty euros"),
        ("20€", "twenty euros"),
        ("20 EUR", "twenty euros"),
        ("¥500", "five hundred yen"),
        ("$1.5 million", "one point five million dollars"),
        ("$5M", "five million dollars"),
        ("US$3bn", "three billion U.S. dollars"),
        ("HK$50", "fifty Hong Kong dollars"),
        ("R$5", "five Brazilian reals"),
        ("$-5", "minus five dollars"),
        ("$5-$10", "five to ten dollars"),
        ("$5/month", "five dollars per month"),
        ("3,50 €", "three euros and fifty cents"),
        ("£2k", "two thousand pounds"),
        ("-$20", "minus twenty dollars"),
        ("$5-10", "five to ten dollars"),
        ("$1,234.56", "one thousand two hundred thirty-four dollars and fifty-six cents"),
        ("$0", "zero dollars"),
        ("$1.234", "one point two three four dollars"),
        ("50¢", "fifty cents"),
    ]);
}

#[test]
fn fractions_and_percent() {
    check(&[
        ("1/2", "one half"),
        ("3/4", "three quarters"),
        ("2/3", "two thirds"),
        ("5/8", "five eighths"),
        ("1/100", "one one hundredth"),
        ("2 1/2 cups", "two and a half cups"),
        ("1 3/4", "one and three quarters"),
        ("½", "one half"),
        ("3½", "three and a half"),
        ("24/7", "twenty-four seven"),
        ("120/80", "one hundred twenty over eighty"),
        ("12/25", "twelve over twenty-five"),
        ("3/2", "three over two"),
        ("20/20", "twenty twenty"),
        ("60/40", "sixty forty"),
        ("2/3rds", "two thirds"),
        ("⅚", "five sixths"),
        ("1/2 tsp", "one half teaspoon"),
        ("50%-60%", "fifty percenttosixty percent"),
        ("5°-10°", "five degreestoten degrees"),
        ("5%", "five percent"),
        ("0.5 %", "zero point five percent"),
        ("100%.", "one hundred percent."),
    ]);
}

#[test]
fn ranges() {
    check(&[
        ("10-12", "ten to twelve"),
        ("5–10 km", "five to ten kilometers"),
        ("10-20%", "ten to twenty percent"),
        ("1914-1918", "nineteen fourteen to nineteen eighteen"),
        ("2019–20", "twenty nineteen to twenty"),
        ("50-50", "fifty fifty"),
        ("8 - 10 people", "eight to ten people"),
        ("5 - 3 = 2", "five minus three equals two"),
        ("1 - 2 = -1", "one minus two equals minus one"),
        ("Mon-Fri", "Monday to Friday"),
        ("Jan–Mar", "January to March"),
        ("1.5-2", "one point five to two"),
    ]);
}

#[test]
fn units() {
    check(&[
        ("5 km", "five kilometers"),
        ("1 km", "one kilometer"),
        ("5km.", "five kilometers."),
        ("60 mph", "sixty miles per hour"),
        ("300 km/h", "three hundred kilometers per hour"),
        ("20°C", "twenty degrees Celsius"),
        ("-5 °F", "minus five degrees Fahrenheit"),
        ("90°", "ninety degrees"),
        ("3 m²", "three square meters"),
        ("2.5GB", "two point five gigabytes"),
        ("a 5-kg bag", "a five kilogram bag"),
        ("10 ft", "ten feet"),
        ("6'2\"", "six foot two"),
        ("10' and 12\" long", "ten feet and twelve inches long"),
        ("He's 6' tall", "He's six feet tall"),
        ("\"It is 12\" she", "\"It is twelve\" she"),
        ("5 m/s²", "five meters per second squared"),
        ("10 GB/day", "ten gigabytes per day"),
        ("3 tbsp", "three tablespoons"),
        ("30 mpg", "thirty miles per gallon"),
        ("10 μs", "ten microseconds"),
        ("20 ℃", "twenty degrees Celsius"),
        ("3 lbs", "three pounds"),
        ("2.4 GHz", "two point four gigahertz"),
        ("10 min", "ten minutes"),
        ("5 minutes", "five minutes"),
        ("15 kWh", "fifteen kilowatt hours"),
    ]);
}

#[test]
fn sides_sums_and_codes() {
    check(&[
        ("a 4x4", "a four by four"),
        ("3x4 = 12", "three times four equals twelve"),
        ("10-4 = 6", "ten minus four equals six"),
        ("He is 6 ft 2 in tall", "He is six feet two inches tall"),
        ("St. Louis, MO 63101.", "saint Louis, MO six three one zero one."),
        ("Rs. 500", "rupees five hundred"),
        ("2 + 3, 2+3", "two plus three, twoplusthree"),
        ("the mid-1980s", "the mid-nineteen eighties"),
        ("a 401(k) plan", "a four oh one k plan"),
        ("at 5.30pm", "at five thirty P.M."),
        ("at 10:00:00", "at ten o'clock"),
        ("on july 25", "on july twenty-fifth"),
        ("a card ending in 8876", "a card ending in eight eight seven six"),
    ]);
}

#[test]
fn telephone_numbers() {
    check(&[
        ("555-1234", "five five five, one two three four"),
        ("911", "nine one one"),
        ("90210-1234", "nine zero two one zero, one two three four"),
        ("123-45-6789", "one two three, four five, six seven eight nine"),
        ("(212) 555-0199", "two one two, five five five, zero one nine nine"),
        ("020 7946 0958", "zero two zero, seven nine four six, zero nine five eight"),
        ("07700 900123", "zero seven seven zero zero, nine zero zero one two three"),
        ("212-555-0199", "two one two, five five five, zero one nine nine"),
        ("+1 800-555-0100", "plus one, eight zero zero, five five five, zero one zero zero"),
        ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
    ]);
}

#[test]
fn roman_numerals() {
    check(&[
        ("Chapter IV", "Chapter four"),
        ("World War II", "World War two"),
        ("Henry VIII", "Henry the eighth"),
        ("Henry VIII's wives", "Henry the eighth's wives"),
        ("Louis XIV", "Louis the fourteenth"),
        ("Elizabeth I, queen", "Elizabeth the first, queen"),
        ("Elizabeth I's reign", "Elizabeth the first's reign"),
        ("Elizabeth II was", "Elizabeth the second was"),
        ("The part I like best", "The part I like best"),
        ("the book I told you about", "the book I told you about"),
        ("For John I was a hero", "For John I was a hero"),
        ("With Paul I had lunch", "With Paul I had lunch"),
        ("Malcolm X", "Malcolm X"),
        ("Part I.", "Part one."),
        ("World War I was", "World War one was"),
        ("a Type I error", "a Type one error"),
        ("Part I was long", "Part one was long"),
        ("THE PART I LIKE", "THE PART I LIKE"),
        ("In Chapter I we learn", "In Chapter one we learn"),
        ("Fig. II", "figure two"),
        ("see vol. II", "see volume two"),
        ("II. Methods", "two. Methods"),
        ("Intro\nIII. Results", "Intro\nthree. Results"),
        ("I. Newton", "I. Newton"),
        ("Part I of the book", "Part one of the book"),
        ("I think, Elizabeth, I am", "I think, Elizabeth, I am"),
        ("Part I", "Part one"),
        ("the IV drip", "the IV drip"),
        ("a mix of C and D", "a mix of C and D"),
    ]);
}

#[test]
fn abbreviations() {
    check(&[
        ("St. Paul", "saint Paul"),
        ("Elm St. is", "Elm street is"),
        ("Elm St. The house", "Elm street The house"),
        ("Dr. Smith", "doctor Smith"),
        ("Prof. X", "professor X"),
        ("Sgt. Pepper", "sergeant Pepper"),
        ("Mt. Everest", "mount Everest"),
        ("Acme Co. and", "Acme company and"),
        ("No. 5", "number five"),
        ("No. I won't.", "No. I won't."),
        ("Fig. 3", "figure three"),
        ("vol. 2", "volume two"),
        ("p. 7", "page seven"),
        ("Apt. 5B", "apartment 5B"),
        ("Ste. 200", "suite two hundred"),
        ("on Tue. we", "on Tuesday we"),
        ("pp. 3-5", "pages three to five"),
        ("approx. 5", "approximately five"),
        ("C++ and C#", "c plus plus and c sharp"),
        ("w/o sugar", "without sugar"),
        ("The sun. It", "The sun. It"),
        ("CO2", "c o two"),
    ]);
    assert_eq!(read("Hon. Smith", Dialect::British), "honourable Smith");
}

#[test]
fn web_and_symbols() {
    check(&[
        ("example.com", "example dot com"),
        ("See docs.rs.", "See docs dot rs."),
        ("www.example.org", "w.w.w. dot example dot org"),
        ("https://a-b.io/x_y?q=1", "h.t.t.p.s., a. dash b. dot io slash x. underscore y. question mark q. equals one"),
        ("john.doe@example.com", "john dot doe at example dot com"),
        ("(see example.com)", "(see example dot com)"),
        ("@user", "at user".replace("at user", "atuser").as_str()),
        ("#topic", "hashtagtopic"),
        ("2 + 2 = 4", "two plus two equals four"),
        ("3 × 4", "three times four"),
        ("5 * 3", "five times three"),
        ("10^6", "tento the power ofsix"),
        ("a → b", "a to b"),
        ("a != b", "a is not equal to b"),
        ("a <= b == c", "a is less than or equal to b equals c"),
        ("x ** 2", "x to the power of 2".replace('2', "two").as_str()),
        ("http://a.b/c,d!", "h.t.t.p., a. dot b. slash c. comma d.!"),
        ("10 > 5", "ten is greater than five"),
        ("© 2024", "copyright twenty twenty-four"),
        ("=====", "====="),
        ("end.Next", "end.Next"),
        ("e.g. this", "e.g. this"),
    ]);
}
