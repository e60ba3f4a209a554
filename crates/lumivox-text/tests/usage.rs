//! What grammars and usage ask of texts as people write them: agreement of numbers, prices, telephone numbers, abbreviations in context.
//!
//! The words expected here were written down from the rules of grammar and from everyday usage, not taken from what is read here.

#![allow(clippy::unwrap_used)] // test code

use lumivox_text::{Emoji, FrontEnd, Source, front_end};

/// What is said, words and marks.
fn said(front_end: &dyn FrontEnd, written: &str) -> String {
    let tokens = front_end.read(written, Emoji::Skip).tokens;
    let words =
        tokens.iter().map(|token| if token.source == Source::Punctuation { &token.phonemes } else { &token.spoken });
    words.filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" ")
}

fn check(tag: &str, cases: &[(&str, &str)]) {
    let front_end = front_end(tag.parse().unwrap()).unwrap();
    let wrong: Vec<_> = cases
        .iter()
        .map(|(written, expected)| (written, expected, said(&*front_end, written)))
        .filter(|(_, expected, said)| said != *expected)
        .collect();
    assert!(wrong.is_empty(), "{tag}: {wrong:#?}");
}

#[test]
fn spanish() {
    check(
        "es",
        &[
            // Before a noun uno loses its vowel; uno and hundreds agree.
            ("Hay 21 casas y 31 libros.", "Hay veintiuna casas y treinta y un libros ."),
            ("1 persona, 200 personas, 500 mujeres.", "una persona , doscientas personas , quinientas mujeres ."),
            ("21 problemas, 201 días.", "veintiún problemas , doscientos un días ."),
            ("300.000 personas", "trescientas mil personas"),
            ("El capítulo 1 trata de 1 de cada 4.", "El capítulo uno trata de uno de cada cuatro ."),
            ("Isabel II y Felipe VI", "Isabel segunda y Felipe sexto"),
            ("y D. Luis", "y don Luis"),
            ("n.º1, Tel.: 912 345 678", "número uno , teléfono : nueve uno dos tres cuatro cinco seis siete ocho"),
            (
                "Cuesta $1,234.56 dólares",
                "Cuesta mil doscientos treinta y cuatro dólares con cincuenta y seis centavos",
            ),
            (
                "12,50 €/kg, 3 M€, 700 €/mes",
                "doce euros con cincuenta céntimos por kilogramo , tres millones de euros , setecientos euros por mes",
            ),
            ("Llame al 912 345 678.", "Llame al nueve uno dos tres cuatro cinco seis siete ocho ."),
            ("Abre a las 10:00 h. Cierra a las 8.30.", "Abre a las diez . Cierra a las ocho y media ."),
            ("MARÍA DIJO QUE NO. FUE ASÍ.", "MARÍA DIJO QUE NO . FUE ASÍ ."),
            ("Lun. a vie. de 9 a 18 h.", "lunes a viernes de nueve a dieciocho horas ."),
            ("El mar. El 25/12 y el vol. II.", "El mar . El veinticinco de diciembre y el volumen dos ."),
            (
                "10-4=6, 3x4=12, 10x15 cm",
                "diez menos cuatro igual a seis , tres por cuatro igual a doce , diez por quince centímetros",
            ),
            ("５０％ de ~100", "cincuenta por ciento de aproximadamente cien"),
        ],
    );
}

#[test]
fn french() {
    check(
        "fr",
        &[
            ("Merci à M. Dupont.", "Merci à monsieur Dupont ."),
            (
                "21 maisons, 31 personnes, 1 fille, 21 jours.",
                "vingt-et-une maisons , trente-et-une personnes , une fille , vingt-et-un jours .",
            ),
            (
                "12,5 M€, 2 Md€ et 3 k€",
                "douze virgule cinq millions d'euros , deux milliards d'euros et trois mille euros",
            ),
            ("Ouvert du lun. au ven. de 9h à 18h.", "Ouvert du lundi au vendredi de neuf heures à dix-huit heures ."),
            ("La mer. La F1.", "La mer . La F un ."),
            ("L'article L. 121 et l'art. 5", "L'article L cent vingt-et-un et l' article cinq"),
            ("au XIXe s. et au XXe s.", "au dix-neuvième siècle et au vingtième siècle ."),
            ("12, av. Foch", "douze , avenue Foch"),
            ("Les 1ers et les 2es", "Les premiers et les deuxièmes"),
            ("10-4=6", "dix moins quatre égale six"),
            (
                "1 seule fois, n°1, 1m80, 2€50",
                "une seule fois , numéro un , un mètre quatre-vingts , deux euros cinquante",
            ),
            ("le 12 mar. 2024", "le douze mars deux mille vingt-quatre"),
            ("É. Zola et Ö. Üst", "É Zola et Ö Üst"),
        ],
    );
}

#[test]
fn italian() {
    check(
        "it",
        &[
            ("1 persona, 1 studente, 1 libro, 21 case", "una persona , uno studente , un libro , ventuno case"),
            ("alle ore 8.05 o dalle 20.15", "alle ore otto e cinque o dalle venti e quindici"),
            ("l'avv. Neri e l'ing. Gialli", "l' avvocato Neri e l' ingegner Gialli"),
            ("tel. 02/1234567", "telefono zero due uno due tre quattro cinque sei sette"),
            ("3 mln € e 5 mld di euro", "tre milioni di euro e cinque miliardi di euro"),
            ("il sec. XX, Elisabetta II", "il secolo ventesimo , Elisabetta seconda"),
            ("S. Pietro e S. Maria", "san Pietro e santa Maria"),
            ("pane, ecc. Poi", "pane , eccetera . Poi"),
            ("la 10a edizione, Cap. 3", "la decima edizione , capitolo tre"),
            ("lun.-ven. 9-18", "lunedì venerdì nove a diciotto"),
        ],
    );
}

#[test]
fn portuguese() {
    check(
        "pt-br",
        &[
            // Um, dois and the hundreds agree, before mil, too.
            ("1 pessoa, 2 meninas, 22 casas", "uma pessoa , duas meninas , vinte e duas casas"),
            ("200 pessoas, 2.000 pessoas, 2 dias", "duzentas pessoas , duas mil pessoas , dois dias"),
            (
                "R$ 3 mi, R$ 5 bi, R$ 12,50/kg",
                "três milhões de reais , cinco bilhões de reais , doze reais e cinquenta centavos por quilograma",
            ),
            ("Ligue 0800 123 4567.", "Ligue zero oito zero zero um dois três quatro cinco seis sete ."),
            ("Cap. 3, n. 4, inc. IV", "capítulo três , número quatro , inciso quatro"),
            ("na R. Augusta, ap. 3", "na rua Augusta , apartamento três"),
            ("Seg. a sex., das 9h às 18h.", "segunda a sexta , das nove horas às dezoito horas ."),
            ("Maria II e Pedro II", "Maria segunda e Pedro segundo"),
        ],
    );
}

#[test]
fn hindi() {
    check(
        "hi",
        &[
            ("2:30 बजे आओ।", "दो बजकर तीस मिनट आओ ."),
            ("12:00 बजे", "बारह बजे"),
            ("98765 43210", "नौ आठ सात छह पाँच चार तीन दो एक शून्य"),
            ("10 किमी, 60 किमी/घंटा", "दस किलोमीटर , साठ किलोमीटर प्रति घंटा"),
            ("300 ई. में", "तीन सौ ईस्वी में"),
            ("4K", "चार के"),
            ("BJP और NASA", "बी जे पी और NASA"),
            ("वह बी.ए. पास है।", "वह बी ए पास है ."),
        ],
    );
}
