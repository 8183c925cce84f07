"""Our own English word list for sentiment: how good or bad a word is, from -3 to 3, by stem."""

from collections.abc import Mapping

from processing.rules.word_sets import word_set
from processing.rules.words import stem

_BY_WEIGHT: Mapping[float, str] = {
    3: """amazing awesome brilliant excellent exceptional fabulous fantastic flawless incredible
        magnificent marvelous marvellous outstanding perfect perfection phenomenal sensational
        stellar stunning superb spectacular terrific wonderful masterpiece breathtaking love adore
        unbeatable impeccable best""",
    2: """beautiful delicious delight delighted delightful enjoy enjoyable enjoyed excited exciting
        fun gorgeous great happy helpful impressed impressive joy lovely loyal pleased pleasure
        pleasant recommend recommended reliable satisfied satisfying superior thrilled top tasty
        thankful thanks thank grateful glad favorite favourite winner win charming elegant
        comfortable comfy comfortably efficient effortless effortlessly generous genius praise
        remarkable robust smooth smoothly sturdy durable friendly courteous professional polite
        attentive knowledgeable responsive appreciate appreciated fresh premium spotless
        hilarious funny captivating gripping moving masterful compelling riveting memorable
        refreshing wow bravo kudos bargain pleasantly beautifully perfectly worthwhile
        treat gem good nice""",
    1: """advantage affordable benefit better
        bright clean clear convenient cool correct cute
        decent easy easily effective fair fast fine fitting gain handy healthy helped honest
        improve improved improvement intuitive interesting like liked neat prompt
        promptly quick quickly quiet safe solid soft stylish success successful suitable tidy useful
        valuable warm welcome well works worth accurate smart promising positive strong solved
        resolved crisp cozy cosy lightweight simple quality sweet upgrade calm hope hopeful
        rich vibrant versatile value ease progress thoughtful caring kind secure stable""",
    -1: """annoy annoyed annoying awkward bland
         complicated confusing confused concern
        concerned costly cramped cumbersome delay delayed difficult dirty dull expensive flimsy
        glitch glitchy hassle hard issue lack lacking lacks late loud mediocre mess messy
        miss missing mistake noisy odd old overpriced outdated poorly problem problematic
        question regret scratch scratched slow slowly smell smelly stiff stuck struggle tired
        unclear uncomfortable unfortunately unhappy unreliable unclean worn wrong worried
        cheaply tedious predictable forgettable overrated underwhelming inconsistent heavy-handed
        lag laggy laggs bulky buggy leak leaks leaked leaking peeling wobbly complain complained
        complaint cracked dented dent damaged damage cold rushed stale soggy greasy overcooked
        undercooked sorry unprofessional unfriendly unresponsive negative sad sadly excuse
        excuses mislead ignored ignore rattles rattle squeaky stain stained crowded shallow""",
    -2: """angry bad badly boring weak
        break broke broken crap crappy dead defect defective disappoint
        disappointed disappointing disappointment disappointingly dislike disliked dreadful error
        fail failed failing fails failure fake faulty frustrated frustrating frustration hurt
        inferior junk liar lie lied lies lousy malfunction malfunctioned mad nasty nightmare poor
        painful pathetic rude ruin ruined sloppy stupid suck sucks sucked terribly trash
        unacceptable unusable
        upset useless waste wasted worse crash crashed crashes refund unhelpful incompetent
        misleading shoddy ripped torn shattered infuriating mistreated sick filthy ugly unbearable
        ridiculous arrogant dishonest lame cringe tasteless inedible insulting mouldy moldy
        inexcusable deceptive regrettable overcharged tacky unsafe hazard dangerous""",
    -3: """abysmal appalling atrocious awful despicable disaster disastrous disgusting disgusted
        disgrace disgraceful garbage hate hated hates hideous horrendous horrible horrid horrific
        scam scammed scammer terrible vile worst worthless rubbish fraud atrociously horribly
        awfully unforgivable abomination""",
}

#: Stems with their weights.
WEIGHTS: Mapping[str, float] = {
    stem(word): float(weight) for weight, words in _BY_WEIGHT.items() for word in words.split()
}

#: Words that strengthen or weaken the next one.
STRENGTH: Mapping[str, float] = {
    **dict.fromkeys(
        word_set(
            "very really so super extremely absolutely incredibly totally completely utterly truly "
            "highly insanely exceptionally amazingly way too remarkably especially particularly "
            "such "
            "beyond deeply"
        ),
        1.35,
    ),
    **dict.fromkeys(word_set("quite pretty rather fairly"), 1.05),
    **dict.fromkeys(
        word_set("slightly somewhat barely hardly little bit kinda sorta partly marginally mildly"),
        0.6,
    ),
}

#: Phrases that mean something else than their words. They are read before single words.
PHRASES: Mapping[str, float] = {
    "not bad": 1.5, "no problem": 1.5, "no problems": 1.5, "no issues": 1.5, "no complaints": 2.0,
    "without issues": 1.5, "without a problem": 1.5, "without problems": 1.5, "no regrets": 2.0,
    "could not be happier": 3.0, "could not be better": 3.0, "could not ask for more": 2.5,
    "can not go wrong": 2.0, "can not complain": 1.5, "well worth": 2.0, "waste of time": -2.5,
    "waste of money": -2.5, "waste your money": -2.5, "waste your time": -2.5,
    "not worth": -2.0, "fell apart": -2.5, "falls apart": -2.5, "falling apart": -2.5,
    "stopped working": -2.5, "does not work": -2.5, "did not work": -2.5, "not working": -2.0,
    "stay away": -2.5, "steer clear": -2.5, "let down": -2.0, "looking forward": 1.5,
    "thumbs up": 2.0, "thumbs down": -2.0, "five stars": 2.5, "5 stars": 2.5, "one star": -2.5,
    "1 star": -2.5, "zero stars": -3.0, "money back": -1.0, "never again": -2.5,
    "never arrived": -2.5, "no longer works": -2.0, "at best": -0.7, "if only": -1.0,
    "would not recommend": -2.5, "can not recommend enough": 3.0,
    "can not recommend it enough": 3.0, "nothing good": -2.0, "can not wait": 1.5,
    "nothing special": -1.0, "not impressed": -2.0, "too expensive": -1.5, "too small": -1.5,
    "too big": -1.5, "too tight": -1.5, "too loud": -1.5, "like new": 1.5, "as expected": 0.8,
    "as described": 1.0, "as advertised": 1.0, "rip off": -2.5, "ripoff": -2.5, "piece of junk": -3,
    "highly recommend": 3.0, "must have": 1.5,
    "a must": 1.5, "better than expected": 2.5,
    "worse than expected": -2.0, "looks like": 0.0, "feels like": 0.0, "would like": 0.0,
    "i like to": 0.3, "smells like": 0.0, "sounds like": 0.0, "something like": 0.0,
    "works like a charm": 2.5, "on time": 1.0, "good luck": -0.5, "used to be good": -1.5,
    "used to be great": -1.5, "thanks for nothing": -2.5, "no thanks": -1.0, "as well": 0.0,
    "hard to": -1.0, "easy to": 1.5, "kind of": 0.0, "value for money": 1.0, "best before": 0.0,
    "cold brew": 0.0, "hard drive": 0.0, "hard case": 0.0, "hard disk": 0.0, "miss out": 0.5,
    "do not hesitate": 1.5, "no question": 0.5, "without question": 1.0, "old school": 0.5,
    "neither good nor bad": 0.0, "save your money": -2.0,
    "look elsewhere": -2.0, "not what i ordered": -2.0, "not fit": -1.5,
    "had to return": -1.5, "took forever": -1.5, "nobody answered": -1.5, "nobody answers": -1.5,
    "never answered": -1.5, "stopped charging": -2.5, "stopped responding": -2.0, "got stuck": -1.5,
    "to die for": 2.5, "fine print": 0.0, "top notch": 2.5, "second to none": 2.5,
    "customer service": 0.0, "at first": 0.0, "fast food": 0.0, "would like to": 0.0,
    "thank you": 1.0, "cool down": 0.0, "well made": 2.0, "well built": 2.0, "poorly made": -2.5,
    "not great": -1.2, "could have been better": -1.5, "could be better": -1.2,
    "not good": -1.8, "not happy": -2.0, "nothing but praise": 3.0,
    "do not buy": -2.5, "do not waste": -2.5, "will not buy": -2.0, "not buy again": -2.0,
    "buy again": 2.0, "order again": 1.5, "come back": 0.8, "coming back": 1.0,
    "not coming back": -2.0, "be back": 1.0, "not be back": -2.5, "sent it back": -1.5,
    "sending it back": -1.5, "returned it": -1.0, "want my money": -2.0, "exceeded": 2.0,
    "exceeds": 2.0, "exceeded my expectations": 3.0,
}  # fmt: skip

#: Words and phrases that say: neither good nor bad.
INDIFFERENT = frozenset(
    {"okay", "ok", "average", "neutral", "meh", "so so", "neither good nor bad", "indifferent"}
)

#: Signs that are no words.
SIGNS: Mapping[str, float] = {
    ":)": 1.5, ":-)": 1.5, ":D": 2.0, ":-D": 2.0, ";)": 1.0, "<3": 2.0, ":(": -1.5, ":-(": -1.5,
    ":'(": -2.0, ":/": -0.8, ">:(": -2.5, "👍": 2.0, "👎": -2.0, "😀": 2.0, "😃": 2.0, "😄": 2.0,
    "😊": 2.0, "😍": 3.0, "🥰": 3.0, "😂": 1.0, "🎉": 2.0, "❤": 2.5, "💯": 2.0, "⭐": 0.5,
    "🙂": 1.0,
    "😡": -3.0, "😠": -2.5, "🤬": -3.0, "😢": -2.0, "😭": -2.0, "😞": -2.0, "😒": -1.5, "💩": -2.5,
    "🤮": -3.0, "😤": -1.5, "🙁": -1.5, "☹": -1.5, "👌": 1.5, "🔥": 1.5,
}  # fmt: skip
