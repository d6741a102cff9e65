"""The people and courses that a new sandbox starts with. Everything here is the same on every machine."""

import sqlite3
import uuid
from dataclasses import dataclass

from lti_tool.sandbox.store import Store

FEEDBACK = "ctx-feedback"
COACHING = "ctx-coaching"
COURSES = [
    (FEEDBACK, "FEEDBACK-26", "Giving feedback"),
    (COACHING, "COACH-26", "Coaching basics"),
]
DEPARTMENTS = ["Engineering", "Customer care", "Finance", "Operations", "People"]
SITES = ["Lisbon", "Nairobi", "Hà Nội", "Montréal"]

# name | given name | family name | locale | zone
LEARNERS = """
Ana Sofia Gonçalves | Ana Sofia | Gonçalves | pt-PT | Europe/Lisbon
Łukasz Żółkiewski | Łukasz | Żółkiewski | pl-PL | Europe/Warsaw
Zoë Müller-Krüger | Zoë | Müller-Krüger | de-DE | Europe/Berlin
Siobhán O'Connor | Siobhán | O'Connor | en-IE | Europe/Dublin
محمد الأحمد | محمد | الأحمد | ar-EG | Africa/Cairo
王小明 | 小明 | 王 | zh-CN | Asia/Shanghai
Наталія Шевченко | Наталія | Шевченко | uk-UA | Europe/Kyiv
अनन्या शर्मा | अनन्या | शर्मा | hi-IN | Asia/Kolkata
Nguyễn Thị Minh Khai | Minh Khai | Nguyễn | vi-VN | Asia/Ho_Chi_Minh
Suharti | Suharti | | id-ID | Asia/Jakarta
María de los Ángeles Fernández de Córdoba y Álvarez de Toledo-Montemayor | María de los Ángeles \
| Fernández de Córdoba y Álvarez de Toledo-Montemayor | es-ES | Europe/Madrid
Wanjiru Kamau | Wanjiru | Kamau | en-KE | Africa/Nairobi
Þórunn Jónsdóttir | Þórunn | Jónsdóttir | is-IS | Atlantic/Reykjavik
Σοφία Παπαδοπούλου | Σοφία | Παπαδοπούλου | el-GR | Europe/Athens
김서연 | 서연 | 김 | ko-KR | Asia/Seoul
佐藤 陽菜 | 陽菜 | 佐藤 | ja-JP | Asia/Tokyo
נועה כהן | נועה | כהן | he-IL | Asia/Jerusalem
Chloé Lefèvre | Chloé | Lefèvre | fr-CA | America/Toronto
Oluwaseun Adébáyọ̀ | Oluwaseun | Adébáyọ̀ | en-NG | Africa/Lagos
İbrahim Çağlar | İbrahim | Çağlar | tr-TR | Europe/Istanbul
Dvořáková Tereza | Tereza | Dvořáková | cs-CZ | Europe/Prague
Иван Петров | Иван | Петров | bg-BG | Europe/Sofia
ธนพร สุขใจ | ธนพร | สุขใจ | th-TH | Asia/Bangkok
فاطمة الزهراء بنعلي | فاطمة الزهراء | بنعلي | ar-MA | Africa/Casablanca
Rūta Kazlauskaitė | Rūta | Kazlauskaitė | lt-LT | Europe/Vilnius
Sibusiso Dlamini | Sibusiso | Dlamini | en-ZA | Africa/Johannesburg
தமிழ்ச்செல்வி முருகன் | தமிழ்ச்செல்வி | முருகன் | ta-IN | Asia/Kolkata
Mihai Țăranu | Mihai | Țăranu | ro-RO | Europe/Bucharest
Åsa Sjöström | Åsa | Sjöström | sv-SE | Europe/Stockholm
李嘉欣 | 嘉欣 | 李 | zh-HK | Asia/Hong_Kong
João Pedro Araújo | João Pedro | Araújo | pt-BR | America/Sao_Paulo
Ayşe Yıldız | Ayşe | Yıldız | tr-TR | Europe/Istanbul
Trần Văn Đức | Văn Đức | Trần | vi-VN | Asia/Ho_Chi_Minh
گلناز رضایی | گلناز | رضایی | fa-IR | Asia/Tehran
Kwame Mensah | Kwame | Mensah | en-GH | Africa/Accra
Đorđe Petrović | Đorđe | Petrović | sr-RS | Europe/Belgrade
মৌসুমী রহমান | মৌসুমী | রহমান | bn-BD | Asia/Dhaka
Emma Johansen | Emma | Johansen | da-DK | Europe/Copenhagen
Jean-Baptiste N'Guessan | Jean-Baptiste | N'Guessan | fr-CI | Africa/Abidjan
ნინო ბერიძე | ნინო | ბერიძე | ka-GE | Asia/Tbilisi
Fionnuala Ní Bhriain | Fionnuala | Ní Bhriain | ga-IE | Europe/Dublin
Lê Hoàng Yến | Hoàng Yến | Lê | vi-VN | Asia/Ho_Chi_Minh
Sanna Hämäläinen | Sanna | Hämäläinen | fi-FI | Europe/Helsinki
راج کمار | راج | کمار | ur-PK | Asia/Karachi
Ximena Peña Nuñez | Ximena | Peña Nuñez | es-MX | America/Mexico_City
Արամ Գրիգորյան | Արամ | Գրիգորյան | hy-AM | Asia/Yerevan
Grace Tan Hui Ling | Hui Ling | Tan | en-SG | Asia/Singapore
Olena Kovalenko | Olena | Kovalenko | uk-UA | Europe/Kyiv
Mateo Quispe | Mateo | Quispe | es-PE | America/Lima
Tigist Bekele | Tigist | Bekele | am-ET | Africa/Addis_Ababa
Priya Nair | Priya | Nair | en-IN | Asia/Kolkata
Noah Williams | Noah | Williams | en-US | America/Chicago
Anouk van der Heijden | Anouk | van der Heijden | nl-NL | Europe/Amsterdam
Tomás Ó Súilleabháin | Tomás | Ó Súilleabháin | en-IE | Europe/Dublin
"""
STAFF = """
Marta Oliveira | Marta | Oliveira | en-GB | Europe/Lisbon | instructor
Hiroshi Tanaka | Hiroshi | Tanaka | en-GB | Asia/Tokyo | instructor
Femi Okafor | Femi | Okafor | en-GB | Africa/Lagos | ta
Ingrid Bergström | Ingrid | Bergström | en-GB | Europe/Stockholm | mentor
Test Student | Test | Student | en-GB | Europe/Lisbon | test
Bruno Almeida | Bruno | Almeida | pt-PT | Europe/Lisbon | left
"""
COACHING_PEOPLE = """
Carmen Ruiz | Carmen | Ruiz | es-ES | Europe/Madrid | instructor
Yusuf Demir | Yusuf | Demir | en-GB | Europe/Istanbul | ta
Léa Moreau | Léa | Moreau | fr-FR | Europe/Paris | learner
Dmitri Volkov | Dmitri | Volkov | en-GB | Europe/Riga | learner
赵丽 | 丽 | 赵 | zh-CN | Asia/Shanghai | learner
Amina Diallo | Amina | Diallo | fr-SN | Africa/Dakar | learner
Peter Novák | Peter | Novák | sk-SK | Europe/Bratislava | learner
Kaia Tamm | Kaia | Tamm | et-EE | Europe/Tallinn | learner
Samuel Wright | Samuel | Wright | en-GB | Europe/London | learner
"""
ADMIN = "Ruth Adeyemi | Ruth | Adeyemi | en-GB | Europe/London"


@dataclass(frozen=True)
class Person:
    sub: str
    name: str
    given_name: str
    family_name: str
    locale: str
    tz: str
    email: str | None
    role: str


def sub_of(key: str) -> str:
    """The opaque, stable user id of a seeded person."""
    return str(uuid.uuid5(uuid.UUID("6a1f6d1c-0c5e-4b8e-9a55-3f2a8f0e7d11"), key))


def _person(key: str, line: str, *, email: bool = True) -> Person:
    name, given, family, locale, tz, *role = (part.strip() for part in line.split("|"))
    address = f"{key}@learn.example" if email else None
    return Person(sub_of(key), name, given, family, locale, tz, address, role[0] if role else "learner")


def _people(prefix: str, lines: str) -> list[Person]:
    texts = lines.strip().splitlines()
    return [_person(f"{prefix}{n:02}", text, email=n % 7 != 0) for n, text in enumerate(texts, 1)]


LEARNER_PEOPLE = _people("learner", LEARNERS.replace("\\\n", ""))
STAFF_PEOPLE = _people("staff", STAFF)
OTHER_PEOPLE = _people("coaching", COACHING_PEOPLE)
ADMIN_PERSON = _person("admin", ADMIN)
SHARED_PERSON = LEARNER_PEOPLE[0]  # the one who is in both courses

ROLE_ENTRIES = {
    "admin": ADMIN_PERSON.sub,
    "instructor": STAFF_PEOPLE[0].sub,
    "facilitator": STAFF_PEOPLE[2].sub,
    "learner": LEARNER_PEOPLE[0].sub,
}
"""Whom ``/enter/<role>`` signs in."""


def seed(store: Store, kinds: frozenset[str]) -> None:
    """Fill an empty store with people of these kinds; a store that has courses already is left as it is."""
    if store.row("SELECT 1 FROM courses"):
        return
    with store.write() as db:
        db.executemany("INSERT INTO courses VALUES (?, ?, ?)", COURSES)
        for number, person in enumerate([*LEARNER_PEOPLE, *STAFF_PEOPLE, *OTHER_PEOPLE, ADMIN_PERSON]):
            _insert_person(db, number, person)
        for person in [*LEARNER_PEOPLE, *STAFF_PEOPLE]:
            if person.role in kinds | {"left"}:
                _enrol(db, FEEDBACK, person)
        for person in [SHARED_PERSON, *OTHER_PEOPLE]:
            _enrol(db, COACHING, person)
        _add_groups(db)
        _add_manual_column(db)


def _insert_person(db: sqlite3.Connection, number: int, person: Person) -> None:
    learner = person.role in ("learner", "left")
    attributes = (
        DEPARTMENTS[number % len(DEPARTMENTS)] if learner else None,
        SITES[number * 3 % 7 % len(SITES)] if learner else None,
        1 + number * 7 % 41 / 10 if learner else None,
    )
    db.execute(
        "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(person.sub, person.name, person.given_name, person.family_name, person.email),
            *(person.locale, person.tz, person.role == "test", person is ADMIN_PERSON, *attributes),
        ),
    )


def _enrol(db: sqlite3.Connection, course_id: str, person: Person) -> None:
    role = "learner" if person.role in ("test", "left") else person.role
    db.execute("INSERT INTO enrolments VALUES (?, ?, ?, ?)", (course_id, person.sub, role, person.role != "left"))


def _add_groups(db: sqlite3.Connection) -> None:
    """Laboratory groups of nearly everybody, and a circle that belongs to no set."""
    db.execute("INSERT INTO group_sets VALUES (?, ?, ?)", ("set-lab", FEEDBACK, "Lab"))
    labs = [
        db.execute(
            "INSERT INTO course_groups (course_id, name, set_id) VALUES (?, ?, 'set-lab')", (FEEDBACK, f"Lab {n}")
        ).lastrowid
        for n in range(1, 6)
    ]
    circle = db.execute(
        "INSERT INTO course_groups (course_id, name) VALUES (?, ?)", (FEEDBACK, "Reading circle")
    ).lastrowid
    in_labs = [(labs[n % len(labs)], person.sub) for n, person in enumerate(LEARNER_PEOPLE[:-2])]
    in_circle = [(circle, person.sub) for person in LEARNER_PEOPLE[::9]]
    db.executemany("INSERT INTO group_members VALUES (?, ?)", in_labs + in_circle)


def _add_manual_column(db: sqlite3.Connection) -> None:
    """A column that belongs to the instructors, which no tool may see."""
    item = db.execute(
        "INSERT INTO line_items (course_id, label, score_maximum, document) VALUES (?, ?, ?, ?)",
        (FEEDBACK, "Reading quiz", 20, "{}"),
    ).lastrowid
    db.executemany(
        "INSERT INTO grades (item_id, sub, score) VALUES (?, ?, ?)",
        [(item, person.sub, 9 + n * 5 % 12) for n, person in enumerate(LEARNER_PEOPLE) if n % 6],
    )
