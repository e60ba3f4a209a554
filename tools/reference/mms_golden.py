"""Ids of HF's `VitsTokenizer` for sentences in several languages.

usage: mms_golden.py > crates/lumivox-text/tests/data/mms.json

Output: {language: {"vocab": …, "is_uroman": …, "pad_token": …, "add_blank": …, "sentences": [[text, ids], …]}}. `eng` is the vocabulary
of mms-tts-eng; the others are letters that such a model needs. The sentences hold capitals, digits, symbols, combining marks,
doubled blanks, and characters of other scripts.
Needs: transformers 5.23, uroman 1.3.1.1.
"""

import json
import os
import tempfile

from transformers import VitsTokenizer

ENG = ["k", "'", "z", "y", "u", "d", "h", "e", "s", "w", "–", "3", "c", "p", "-", "1", "j", "m", "i", " ", "f", "l", "o", "0", "b", "r", "a", "4", "2", "n", "_", "x", "v", "t", "q", "5", "6", "g"]
ROMAN = list("|iaue o'nmktshyrlbwdgfpzcvxjq-_")
DEVANAGARI = list(" ंकािे्रसनहीतमलपवदोयुबगटजूचइअशथखभधणषउएौैझछफठडआघढऊओऐईञःऋृॉङऔँ़'_")

# Language → (vocabulary, is_uroman, pad_token, add_blank)
MODELS = {
    "eng": (ENG, False, "k", True),
    "swh": (list("aiu enkwlmhtosyzbgdrpfvj'c_-q1x"), False, "<pad>", True),
    "deu": (list("|enirsatdhulcgmobwfkzvpüäßjöyqx '-_"), False, "|", True),
    "ron": (list(" eiartnulcosdpmăvfţgbâşîzhjxky-'_"), False, " ", True),
    "hin": (DEVANAGARI, False, " ", True),
    "kor": (ROMAN, True, "|", True),
    "amh": (ROMAN, True, "i", True),
    "ara": (ROMAN, True, "<pad>", True),
    "vie": (list(" nhtcgiôàáạảãâấầậẩẫăắằặẳẵeèéẹẻẽêếềệểễìíịỉĩoòóọỏõốồộổỗơớờợởỡuùúụủũưứừựửữyỳýỵỷỹdđbklmpqrsvx_"), False, "<pad>", False),
}

SENTENCES = {
    "eng": """Hello, world!
The kettle whistled – nobody listened.
Kick the ball back, Mark
kk
k
Don't panic: it's only 6 o'clock.
In 1789 they stormed it; 12345 men, 67890 boots.
“Quoted” text (with brackets) and an em—dash
Two  blanks   and three, then a - hyphen - apart.
Naïve café, résumé, cafe\u0301 decomposed
Emoji 🎉 and 👍🏽 in the middle
Prices: $5.50, €3, 100 % & more @ home #1
ALL CAPS AND MiXeD CaSe
The well-known x_y_z variable
Ελληνικά and Русский words
<unk> and <pad> are tokens?
  leading and trailing blanks  
…
İstanbul and ǅ are odd capitals
book
a k
K2 is a mountain""",
    "swh": """Habari ya asubuhi, rafiki yangu!
Watoto wanacheza nje ya nyumba.
Ninaishi Dar es Salaam tangu mwaka 1995.
Ng'ombe wangu amelala chini ya mti.
Tafadhali, nipe maji 2 na chai 1.
Je, unazungumza Kiswahili? Ndiyo!
Karibu – asante sana 🙏
Bei ni $10 (kumi) tu...
SIMBA NA TWIGA
Jina langu ni Zoë Müller""",
    "deu": """Die Straße war naß, und der Fluß stieg.
Fünf süße Äpfel kosten 3,50 €.
ÜBER DEN WOLKEN GROẞ GESCHRIEBEN
»Komm her!«, rief sie – und er lief.
Die A|B-Probe ist vorbei.
Das Café schließt um 18:30 Uhr.
U\u0308ber zerlegte Umlaute: o\u0308 a\u0308
E-Mail an info@beispiel.de
Kein Problem!? Doch …
Łódź und Þórr""",
    "ron": """Țara mea are munți și câmpii.
Bună ziua, ce mai faceți?
ÎN ANUL 2024 AM FOST LA CONSTANȚA
Fraţii ştiu; frații știu.
Preţul este 15 lei!
Împăratul și împărăteasa, doi.
O  pauză -  lungă
t\u0326ară descompusă""",
    "hin": """नमस्ते, आप कैसे हैं?
मेरा नाम राम है।
भारत में १२ भाषाएँ और 22 राज्य हैं॥
क्\u200dष और र\u200cक
फ़िल्म और ज़रूर (क़लम)
वह Delhi में रहता है।
अगर बारिश हुई – तो हम घर पर रहेंगे…
🙂 हँसी
ऑफ़िस का समय ९ से ५ है
दुःख और ज्ञान""",
    "kor": """안녕하세요, 세계!
저는 서울에 살아요.
오늘은 11월 24일입니다.
ABC 회사의 김민수 씨
값이 얼마예요? 삼천 원이요.
비가 온다. 그래도 간다!
漢字와 한글
좋은 아침 ☀️ 입니다
plain ascii only, No 1""",
    "amh": """ሰላም ለዓለም!
እንዴት ነህ? ደህና ነኝ።
አዲስ አበባ የኢትዮጵያ ዋና ከተማ ናት፤ ትልቅ ናት።
ዛሬ ፳፬ ኅዳር ነው።
በ2016 ዓ.ም. ተወለደ
Ethiopia ኢትዮጵያ
ውሃ፣ ዳቦ፣ ወተት፡ቡና""",
    "ara": """مرحبا بالعالم!
كيف حالك؟ أنا بخير، شكرا.
السَّلامُ عَلَيْكُم
عام ٢٠٢٤ كان طويلا
القاهرة (مصر) مدينة كبيرة؛ جدا
قرأتُ كتابًا Python اليوم
ـــ تطويل العـــربية
سؤال 😀 جواب""",
    "vie": """Xin chào thế giới!
Tôi tên là Nguyễn Văn Đức.
Hôm nay là ngày 24 tháng 11.
TIẾNG VIỆT RẤT HAY
Tie\u0302\u0301ng Vie\u0323\u0302t phân tách
Giá 5$, wow – jazz?""",
}


def main() -> None:
    golden = {}
    for language, (symbols, is_uroman, pad, add_blank) in MODELS.items():
        vocab = {s: i for i, s in enumerate(dict.fromkeys(symbols))}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "vocab.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(vocab, file)
            options = dict(add_blank=add_blank, is_uroman=is_uroman, pad_token=pad)
            tokenizer = VitsTokenizer(path, language=language, phonemize=False, normalize=True, unk_token="<unk>", **options)
            sentences = [[text, tokenizer(text).input_ids] for text in SENTENCES[language].split("\n")]
        golden[language] = {"vocab": vocab, **options, "sentences": sentences}
    compact = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))  # noqa: E731
    rows = []
    for language, model in golden.items():
        head = ",".join(f"{json.dumps(k)}:{compact(v)}" for k, v in model.items() if k != "sentences")
        rows.append(f"{json.dumps(language)}:{{{head},\n\"sentences\":[\n" + ",\n".join(map(compact, model["sentences"])) + "\n]}")
    print("{\n" + ",\n".join(rows) + "\n}")


if __name__ == "__main__":
    main()
