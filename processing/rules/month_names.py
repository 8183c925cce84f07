"""Names of months in English, German, French, Spanish, Italian, Dutch, Portuguese and Swedish, in
lower case without accents."""

from collections.abc import Mapping

_NAMES = (
    "january jan januar janner janvier janv enero ene gennaio januari janeiro",
    "february feb februar febr fevrier fevr fev febrero febbraio februari fevereiro",
    "march mar marz mrz mars marzo maart mrt marco marts",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mei maio",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug aout agosto ago augustus augusti",
    "september sep sept septembre septiembre settembre setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro",
    "november nov novembre noviembre novembro",
    "december dec dezember dez decembre diciembre dic dicembre dezembro",
)

MONTHS: Mapping[str, int] = {
    name: number for number, names in enumerate(_NAMES, 1) for name in names.split()
}
