"""The words of the employee handbook, page by page: (kind, content)."""

TITLE = "Larkspur employee handbook"
SUBTITLE = "How we work, 2024 edition"

ABOUT = [
    ("chapter", "1. Welcome to Larkspur"),
    (
        "text",
        "Larkspur Instruments builds weather stations for harbours, vineyards, road services and "
        "mountain huts. The company was founded in Bergen in 2009 by two sisters, Solveig and "
        "Marit Aune, who could not buy a wind sensor that survived a winter on the coast. They "
        "built one in a boathouse; its successor is still our best-selling product.",
    ),
    (
        "text",
        "Today we design, assemble and calibrate in Bergen and sell through partners in fourteen "
        "countries. Our customers rely on our readings to decide whether a crane may lift, a road "
        "must be gritted or a harvest can wait. A wrong number can hurt somebody. That is why we "
        "would rather deliver late than deliver a station that was not tested.",
    ),
    ("section", "What this handbook is for"),
    (
        "text",
        "It collects what everybody at Larkspur should know: when we work, how leave is counted, "
        "what a business trip costs and who pays, how we look after equipment and data, and how "
        "we help each other learn. It is not a contract. Where it differs from your contract, "
        "your contract is right, and the People team would like to hear about it.",
    ),
    ("section", "Three habits we expect"),
    (
        "list",
        [
            "<b>Say what you measured.</b> Give the number, the unit and how you got it. "
            "“It seems fine” is not a test result.",
            "<b>Write it down.</b> A decision that lives in one head is lost when that head is on "
            "holiday. Two lines in the project log are enough.",
            "<b>Ask early.</b> Nobody has ever been blamed here for a question that turned out to "
            "be simple.",
        ],
    ),
    ("section", "Changes to this handbook"),
    (
        "text",
        "The People team reviews the text every January. Proposals are welcome at any time and are "
        "answered within ten working days. The version in the intranet is the one that counts; "
        "please do not keep printed copies.",
    ),
]

HOURS = [
    ("chapter", "2. Working hours"),
    (
        "text",
        "A full-time week has 37.5 hours. You arrange them with your team; between 10:00 and 14:30 "
        "everybody should be reachable, wherever they work. In the assembly hall, shifts start at "
        "07:00 and at 14:00, and the plan is published three weeks ahead.",
    ),
    ("section", "Working from home"),
    (
        "text",
        "Office staff may work from home on up to three days a week. Wednesday is the day on which "
        "all teams meet on site, so please keep it free of home working and of supplier visits. "
        "People in assembly and calibration need their benches and work on site; they can do "
        "paperwork at home on two days a month.",
    ),
    (
        "text",
        "Working from another country is possible for at most 20 working days a year within the "
        "European Economic Area. Ask the People team four weeks before, because taxes and "
        "social insurance must be clarified first.",
    ),
    ("section", "Overtime"),
    (
        "text",
        "Overtime is the exception and is agreed beforehand with your team lead. It is returned as "
        "time off within three months. If that is not possible, it is paid with a supplement of "
        "40 percent. Nobody works more than ten hours on one day, including the days before a "
        "delivery.",
    ),
    ("section", "On call for the data service"),
    (
        "text",
        "Customers reach our data service day and night. One engineer is on call for a week at a "
        "time, from Monday 08:00 to Monday 08:00, and receives EUR 310 for the week whether or not "
        "the telephone rings. A night call of more than one hour is followed by a free morning.",
    ),
    ("section", "Recording time"),
    (
        "text",
        "Hours are recorded in the time sheet by Friday evening. Record the project, not the "
        "task: the entries are used for research grants, and the auditors compare them with the "
        "project log.",
    ),
]

LEAVE = [
    ("chapter", "3. Leave and absence"),
    (
        "text",
        "The leave year is the calendar year. Leave grows with the years you have been with us; "
        "what counts is the length of service completed on 1 January. Part-time staff receive the "
        "same share of these days as of the working week.",
    ),
    ("caption", "Table 1. Annual leave by length of service"),
    (
        "table",
        [
            ["Length of service", "Annual leave", "Of which fixed in summer"],
            ["Less than 2 years", "25 days", "10 days"],
            ["2 to 4 years", "27 days", "10 days"],
            ["5 to 9 years", "29 days", "12 days"],
            ["10 years or more", "32 days", "15 days"],
        ],
    ),
    (
        "text",
        "Enter your wishes in the leave planner by the end of February. Team leads confirm them by "
        "15 March. Up to five days may be carried over into the next year; they lapse on 30 April.",
    ),
    ("section", "Illness"),
    (
        "text",
        "Call or write to your team lead before 09:00 on the first day. A doctor's certificate is "
        "needed from the fourth day on. Please rest: answering mail while ill helps nobody. After "
        "an absence of more than four weeks we plan the return together, step by step.",
    ),
    ("section", "Family"),
    (
        "text",
        "Parents may stay with a sick child for up to twelve days a year for each child under "
        "twelve. For the death of a close relative you receive three days of paid leave, for your "
        "own wedding two days, and for moving house one day.",
    ),
    ("section", "Unpaid leave"),
    (
        "text",
        "After three years of service you may take up to six months of unpaid leave, once in five "
        "years. Ask half a year ahead. Your job is kept; your bench may be used by somebody "
        "else in the meantime.",
    ),
]

TRAVEL = [
    ("chapter", "4. Business travel"),
    (
        "text",
        "Travel when it helps the customer or the product, and by train where the journey takes "
        "less than six hours. Flights are booked in economy class through the travel desk. A "
        "rental car needs the consent of your team lead.",
    ),
    ("section", "Meals and accommodation"),
    (
        "text",
        "For each full day away you receive a meal allowance; no receipts are needed for it. On "
        "the days of departure and return it is half. Hotels are paid against receipt up to the "
        "limit in Table 2. If a trade fair makes that impossible, ask before you book.",
    ),
    ("caption", "Table 2. Travel allowances by country"),
    (
        "table",
        [
            ["Country", "Meals per day", "Hotel per night, up to"],
            ["Denmark", "EUR 64", "EUR 165"],
            ["France", "EUR 55", "EUR 150"],
            ["Germany", "EUR 48", "EUR 135"],
            ["Iceland", "EUR 78", "EUR 190"],
            ["Italy", "EUR 46", "EUR 130"],
            ["Norway", "EUR 72", "EUR 170"],
            ["Portugal", "EUR 39", "EUR 110"],
            ["Switzerland", "EUR 81", "EUR 205"],
            ["United Kingdom", "EUR 58", "EUR 175"],
        ],
    ),
    ("section", "Claiming expenses"),
    (
        "text",
        "Hand in your claim within 30 days of your return, with photographs of the receipts. "
        "Claims received by the 20th are paid with that month's salary. Private cars are "
        "reimbursed at EUR 0.36 per kilometre.",
    ),
    ("section", "Safety in the field"),
    (
        "text",
        "Masts, roofs and breakwaters are never visited alone. Above two metres a harness is worn, "
        "and no mast is climbed when the wind exceeds 12 metres per second. Tell the service desk "
        "when you start and when you are back.",
    ),
]

EQUIPMENT = [
    ("chapter", "5. Equipment and information"),
    ("section", "Your equipment"),
    (
        "text",
        "You receive a laptop and, where your work needs it, a telephone. Laptops are replaced "
        "after four years; you may then buy yours for EUR 90, wiped. Private use is fine "
        "as long as it is legal, modest and does not touch customer data.",
    ),
    ("section", "Loss and theft"),
    (
        "text",
        "Report a lost or stolen device to the service desk, extension 250, within four hours, on "
        "weekends too. The desk locks the device and tells the data protection officer. An early "
        "report has never had consequences for anybody; a late one might.",
    ),
    ("section", "Passwords and access"),
    (
        "list",
        [
            "Use the password manager; a passphrase has at least 16 characters.",
            "Signing in from outside needs a second factor. The key on your ring is not shared, "
            "not even for five minutes.",
            "Access to station data is granted by project and ends with the project.",
        ],
    ),
    ("section", "Customer data"),
    (
        "text",
        "Readings belong to the customer who paid for the station. We may use them to improve our "
        "sensors when the contract says so and the location is blurred to ten kilometres. Raw data "
        "are kept for seven years and then deleted.",
    ),
    ("section", "The calibration laboratory"),
    (
        "text",
        "The laboratory is kept at 21 degrees and 45 percent humidity. Enter through the lock, "
        "leave coats and coffee outside and close one door before opening the other. Reference "
        "instruments leave the room only for their yearly calibration, and only in their case.",
    ),
    ("section", "Artificial intelligence tools"),
    (
        "text",
        "You may use the tools that the service desk has approved. Drawings, source code and "
        "customer data are never pasted into any other.",
    ),
]

GROWTH = [
    ("chapter", "6. Pay, learning and leaving"),
    ("section", "Pay"),
    (
        "text",
        "Salaries are paid on the 25th of the month, or on the working day before. They are "
        "reviewed every April. The ranges for each role are published in the intranet, so that "
        "nobody needs to guess. In a year with a profit, a tenth of it is shared among all staff "
        "in equal parts.",
    ),
    ("section", "Learning"),
    (
        "text",
        "Everybody has a learning budget of EUR 1,200 and five days a year. You decide what to "
        "learn; your team lead only checks that the dates suit the team. What is not spent may be "
        "saved for one more year. Language courses in Norwegian are paid in full and do not count "
        "against the budget.",
    ),
    ("section", "Talks with your team lead"),
    (
        "text",
        "There is a talk of an hour every quarter: how you are, what you need, what comes next. "
        "Notes are written by you and belong to you. In your first six months the talks are "
        "monthly, and a colleague from another team is your guide.",
    ),
    ("section", "Trouble at work"),
    (
        "text",
        "Bullying and harassment are not tolerated. Speak with your team lead, with the People "
        "team or with Henrik Dahl, the elected staff representative; each of them will keep it "
        "confidential and answer within two working days.",
    ),
    ("section", "Leaving us"),
    (
        "text",
        "The notice period is one month during the first six months and three months afterwards. "
        "Return keys, devices and the harness to the service desk on your last day. You receive a "
        "reference within two weeks, and an invitation to the summer party for as long as you "
        "like.",
    ),
    ("section", "Whom to ask"),
    (
        "table",
        [
            ["Subject", "Team", "Extension"],
            ["Contract, leave, pay", "People team", "210"],
            ["Tickets and hotels", "Travel desk", "225"],
            ["Devices, access, theft", "Service desk", "250"],
            ["Laboratory and harnesses", "Calibration", "264"],
        ],
    ),
]

PAGES: list[list[tuple[str, str | list]]] = [ABOUT, HOURS, LEAVE, TRAVEL, EQUIPMENT, GROWTH]
