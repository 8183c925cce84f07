"""Words of labels: what they are in English, and the classes of words that labels share."""

from collections.abc import Mapping

from processing.rules.word_sets import word_set

#: Words of labels in other spellings and languages, as English words.
ENGLISH: Mapping[str, tuple[str, ...]] = {
    "no": ("number",), "nr": ("number",), "num": ("number",), "nbr": ("number",),
    "#": ("number",), "№": ("number",), "n°": ("number",), "nº": ("number",),
    "nummer": ("number",), "numero": ("number",), "inv": ("invoice",), "qty": ("quantity",),
    "amt": ("amount",), "tel": ("phone",), "telephone": ("phone",), "telefon": ("phone",),
    "mobile": ("phone",), "mobil": ("phone",), "cell": ("phone",), "fon": ("phone",),
    "call": ("phone",),
    "mail": ("email",), "courriel": ("email",), "dob": ("birth", "date"),
    "birthday": ("birth", "date"), "born": ("birth", "date"), "geburtsdatum": ("birth", "date"),
    "zip": ("postcode",), "postal": ("postcode",), "plz": ("postcode",), "web": ("website",),
    "homepage": ("website",), "webseite": ("website",), "site": ("website",),
    "purchase": ("order",), "payable": ("due",), "gross": ("total",),
    "rechnung": ("invoice",), "facture": ("invoice",), "datum": ("date",),
    "rechnungsnummer": ("invoice", "number"), "rechnungsnr": ("invoice", "number"),
    "rechnungsdatum": ("invoice", "date"), "rechnungsbetrag": ("invoice", "amount"),
    "gesamtbetrag": ("total", "amount"), "gesamtsumme": ("total",), "endbetrag": ("total",),
    "gesamt": ("total",), "summe": ("total",), "betrag": ("amount",), "montant": ("amount",),
    "brutto": ("total",), "bruttobetrag": ("total", "amount"), "ttc": ("total",),
    "nettobetrag": ("net", "amount"), "netto": ("net",), "ht": ("net",),
    "zwischensumme": ("subtotal",), "falligkeitsdatum": ("due", "date"), "fallig": ("due",),
    "zahlbar": ("due",), "echeance": ("due", "date"), "lieferdatum": ("delivery", "date"),
    "liefertermin": ("delivery", "date"), "lieferung": ("delivery",), "livraison": ("delivery",),
    "bestellnummer": ("order", "number"), "bestellung": ("order",), "commande": ("order",),
    "bestelldatum": ("order", "date"), "auftrag": ("order",), "auftragsnummer": ("order", "number"),
    "kunde": ("customer",), "kundennummer": ("customer", "number"), "client": ("customer",),
    "telefonnummer": ("phone", "number"), "preis": ("price",), "prix": ("price",),
    "gewicht": ("weight",), "poids": ("weight",), "menge": ("quantity",), "quantite": ("quantity",),
    "mwst": ("vat",), "ust": ("vat",), "mehrwertsteuer": ("vat",), "tva": ("vat",),
    "staff": ("employee",), "headcount": ("employee",), "mitarbeiter": ("employee",),
    "turnover": ("revenue",), "umsatz": ("revenue",), "sales": ("revenue",),
    "established": ("found",), "expiry": ("expir",), "expiration": ("expir",),
    "kontoauszug": ("bank", "statement"), "auszug": ("statement",), "releve": ("statement",),
    "extracto": ("statement",), "estratto": ("statement",), "quittung": ("receipt",),
    "kassenbon": ("receipt",), "recu": ("receipt",), "ricevuta": ("receipt",),
    "angebot": ("quote",), "devis": ("quote",), "preventivo": ("quote",), "presupuesto": ("quote",),
    "vertrag": ("contract",), "contrat": ("contract",), "contrato": ("contract",),
    "contratto": ("contract",), "lieferschein": ("delivery", "note"),
    "preisliste": ("price", "list"),
    "gutschrift": ("credit", "note"), "mahnung": ("reminder",), "lohnabrechnung": ("payslip",),
    "gehaltsabrechnung": ("payslip",), "rechnungen": ("invoice",), "factures": ("invoice",),
    "facturas": ("invoice",), "fatture": ("invoice",), "facturen": ("invoice",),
    "fakturor": ("invoice",), "bestellungen": ("order",), "auftrage": ("order",),
    "commandes": ("order",), "pedidos": ("order",), "ordini": ("order",), "kontoauszuge":
    ("bank", "statement"), "belege": ("receipt",), "ligne": ("line",), "linea": ("line",),
    "zeile": ("line",), "quittungen": ("receipt",),
    "rechnungs": ("invoice",), "kunden": ("customer",), "bestell": ("order",),
    "liefer": ("delivery",), "zahlungs": ("payment",), "konto": ("account",),
    "kontonummer": ("account", "number"), "steuernummer": ("tax", "number"),
    "belegnummer": ("document", "number"), "belegdatum": ("document", "date"),
    "artikel": ("item",), "artikelnummer": ("item", "number"), "position": ("pos",),
    "bezeichnung": ("description",), "beschreibung": ("description",), "anzahl": ("quantity",),
    "einzelpreis": ("unit", "price"), "gesamtpreis": ("line", "total"), "rabatt": ("discount",),
    "einheit": ("unit",), "umsatzsteuer": ("vat",), "zahlung": ("payment",),
    "lieferant": ("supplier",), "verkaufer": ("seller",), "kaufer": ("buyer",),
    "wahrung": ("currency",), "saldo": ("balance",), "lieferscheinnummer": ("delivery", "number"),
    "fournisseur": ("supplier",), "vendeur": ("seller",), "acheteur": ("buyer",),
    "devise": ("currency",), "designation": ("description",), "libelle": ("description",),
    "qte": ("quantity",), "unite": ("unit",), "unitaire": ("unit",), "remise": ("discount",),
    "reglement": ("payment",), "paiement": ("payment",), "compte": ("account",),
    "solde": ("balance",), "taux": ("rate",), "adresse": ("address",), "nom": ("name",),
    "factura": ("invoice",), "fecha": ("date",), "importe": ("amount",), "cliente": ("customer",),
    "vencimiento": ("due", "date"), "pedido": ("order",), "proveedor": ("supplier",),
    "descripcion": ("description",), "cantidad": ("quantity",), "precio": ("price",),
    "unitario": ("unit",), "descuento": ("discount",), "iva": ("vat",), "moneda": ("currency",),
    "pago": ("payment",), "direccion": ("address",), "nombre": ("name",), "emision": ("issue",),
    "fattura": ("invoice",), "importo": ("amount",), "totale": ("total",),
    "scadenza": ("due", "date"), "ordine": ("order",), "fornitore": ("supplier",),
    "descrizione": ("description",), "quantita": ("quantity",), "prezzo": ("price",),
    "sconto": ("discount",), "imponibile": ("net",), "pagamento": ("payment",),
    "indirizzo": ("address",), "numer": ("number",), "factuur": ("invoice",),
    "factuurnummer": ("invoice", "number"), "klant": ("customer",),
    "factuurdatum": ("invoice", "date"), "vervaldatum": ("due", "date"), "bedrag": ("amount",),
    "totaal": ("total",), "totaalbedrag": ("total", "amount"), "subtotaal": ("subtotal",),
    "btw": ("vat",), "klantnummer": ("customer", "number"), "bestelling": ("order",),
    "omschrijving": ("description",), "aantal": ("quantity",), "prijs": ("price",),
    "fatura": ("invoice",), "quantidade": ("quantity",), "preco": ("price",),
    "descricao": ("description",), "faktura": ("invoice",), "fakturanummer": ("invoice", "number"),
    "fakturadatum": ("invoice", "date"), "forfallodatum": ("due", "date"), "moms": ("vat",),
    "summa": ("total",), "belopp": ("amount",), "kundnummer": ("customer", "number"),
    "antal": ("quantity",), "beskrivning": ("description",), "pris": ("price",),
    "vendor": ("supplier",), "purchaser": ("buyer",), "quantities": ("quantity",),
    "desc": ("description",),
}  # fmt: skip

#: Words that only say of which kind a value is. A label with one of another class is another label.
CLASSES: Mapping[str, str] = {
    word: name
    for name, members in {
        "number": "number id code ref reference identifier key",
        "date": "date day datetime time deadline year",
        "amount": "amount value figure sum money balance price cost costs",
        "name": "name",
        "address": "address street city",
        "email": "email e-mail",
        "phone": "phone",
        "fax": "fax",
        "website": "website url link domain",
        "percent": "percent percentage",
    }.items()
    for word in members.split()
}

#: Other names of a value, by a word of its name.
ALSO: Mapping[str, tuple[str, ...]] = {
    "total": ("amount due", "balance due", "amount payable", "to pay"),
    "gesamtbetrag": ("amount due", "zu zahlen"),
    "staff": ("employees",),
    "employees": ("staff",),
    "website": ("homepage",),
    "tax": ("vat",),
    "vat": ("tax",),
}

#: Words that may stand beside any label and change nothing.
NEUTRAL = word_set(
    "grand your our please paid is was be at by per of the a an in on for to and it we ca approx "
    "approximately about around only just over than more less nearly almost currently now today "
    "eur usd gbp chf euro euros dollar dollars pound pounds us price s full exact overall final "
    "item product total's mention value column field cell text row data from which "
    "answer result output measurement"
)
