"""Public workbooks that come in Python packages, and the sheets of them that hold a table."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.roundtrip import workbook_cells
from tests.roundtrip.real_files import Content

_GSDP = "data/system/GSDP"
_FORMS = "tests/example_xls"
_BUGS = "tests/bug_example_xls"
_RP2 = "plugin/report/data"

#: Packages with the files to take and the sheets of each. `docs/real-files.md` tells where each
#: one comes from. Packages that are not installed give no workbooks.
WORKBOOKS: dict[str, dict[str, tuple[str, ...]]] = {
    "andes": {
        "cases/GBnetwork/GBnetwork.xlsx": ("Bus", "PQ", "Shunt"),
        "cases/5bus/pjm5bus.xlsx": ("Line", "GENCLS"),
        "cases/ei/EI_33.xlsx": ("Area", "GENROU"),
    },
    "atomica": {
        "library/malaria_framework.xlsx": ("Compartments", "Parameters"),
        "library/tb_framework.xlsx": ("Characteristics", "Transitions"),
        "library/sir_databook.xlsx": ("State Variables",),
    },
    "climada": {
        "data/demo/demo_today.xlsx": ("assets", "measures"),
        "data/system/entity_template.xlsx": ("impact_functions", "discount"),
        "data/system/hazard_template.xlsx": ("hazard_frequency", "hazard_intensity"),
        "data/system/rcp_db.xls": ("data",),
        "engine/test/data/flood_imp_func_set.xls": ("impact_functions",),
        f"{_GSDP}/AUS_GSDP.xls": ("Sheet1",),
        f"{_GSDP}/BRA_GSDP.xls": ("Sheet1",),
        f"{_GSDP}/CAN_GSDP.xls": ("Sheet1",),
        f"{_GSDP}/CHE_GSDP.xls": ("Sheet1",),
        f"{_GSDP}/CHN_GSDP.xls": ("Sheet1",),
        f"{_GSDP}/FRA_GSDP.xls": ("Sheet1", "_mapping"),
        f"{_GSDP}/IND_GSDP.xls": ("Worksheet",),
        f"{_GSDP}/JPN_GSDP.xls": ("Sheet1",),
        f"{_GSDP}/MEX_GSDP.xls": ("Sheet1", "_mapping"),
        f"{_GSDP}/TUR_GSDP.xls": ("Sheet1",),
        f"{_GSDP}/USA_GSDP.xls": ("Sheet1",),
    },
    "exposan": {
        "htl/data/PLI_2025-10-09.xlsx": ("Sheet1",),
        "htl/data/crude_oil_price_2022.xlsx": ("crude_oil_price_2022",),
        "htl/data/electricity_price_2025-10-09.xlsx": ("Sheet1",),
        "htl/data/state_elec_price_2022.xlsx": ("elec_price_2022",),
        "metab/data/TRACI_indicators.xlsx": ("Sheet1",),
        "pm2_ecorecover/data/data_cleaning_rawdata.xlsx": ("AIMS_Inf_NH4", "AIMS_TSS_Postmix"),
        "pou_disinfection/data/_raw_water.xlsx": ("contextual",),
    },
    "pyxform": {
        f"{_BUGS}/cascades_old.xls": ("survey", "cascades"),
        f"{_BUGS}/default_time_demo.xls": ("survey",),
        f"{_BUGS}/xl_date_ambiguous_v1.xlsx": ("survey", "changelog"),
        f"{_FORMS}/allow_comment_rows_test.xls": ("survey", "choices"),
        f"{_FORMS}/tutorial.xls": ("survey", "choices"),
        f"{_FORMS}/widgets.xls": ("survey", "choices", "settings"),
        f"{_FORMS}/xlsform_spec_test.xlsx": ("survey", "choices", "settings"),
        f"{_FORMS}/xml_escaping.xls": ("survey",),
    },
    "rp2": {
        f"{_RP2}/ie/template_tax_report_ie_en_IE.ods": ("__styles", "__Legend_tax_report_ie"),
        f"{_RP2}/jp/template_tax_report_jp_kl.ods": ("__Legend_tax_report_jp", "__Asset"),
        f"{_RP2}/us/template_tax_report_us_en.ods": ("__Legend_tax_report_us", "__Capital Gains"),
    },
}


@dataclass(frozen=True, slots=True)
class RealSheet:
    """A sheet of a workbook of a package."""

    package: str
    path: Path
    sheet: str

    @property
    def workbook(self) -> str:
        """What the documentation calls the file."""
        return f"{self.package}: {self.path.name}"

    def __str__(self) -> str:
        return f"{self.workbook}, {self.sheet}"


def real_sheets() -> list[RealSheet]:
    """The sheets of all packages that are installed."""
    found = []
    for package, files in WORKBOOKS.items():
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            found += [
                RealSheet(package, Path(place) / name, sheet)
                for name, sheets in files.items()
                for sheet in sheets
            ]
    return found


def cells_of(sheet: RealSheet) -> tuple[list[str], list[list[Any]]]:
    """The header as texts, and the rows behind it, all of one width."""
    rows = workbook_cells.rows_of(sheet.path, sheet.sheet)
    width = max(map(len, rows))
    header, *records = ([*row, *[None] * (width - len(row))] for row in rows)
    return [workbook_cells.text_of(cell) for cell in header], records


def content_of(sheet: RealSheet) -> Content:
    """The workbook, and what the sheet says."""
    header, rows = cells_of(sheet)
    records = [[workbook_cells.text_of(cell) for cell in row] for row in rows]
    return Content(sheet.path.read_bytes(), header, records)
