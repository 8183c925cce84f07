"""Programs that mean harm. Each is what `run` does in the row that it chooses, with a part of what
the cell says afterwards; a text without one ends as a value."""

from dataclasses import dataclass

TIME = "takes longer than"
MEMORY = "takes more than 64 MB of memory"
UNKNOWN = "is not defined"
NO_MODULE = "No module named"


@dataclass(frozen=True)
class Hostile:
    """`body` are the lines of `run`; `says` is in the error of the cell."""

    name: str
    body: str
    says: str


PROGRAMS = [
    # Time
    Hostile("endless loop", "while True: pass", TIME),
    Hostile("nested loops", "for a in range(10**9):\n  for b in range(10**9): pass", TIME),
    Hostile("endless sum", "return sum(range(10**12))", TIME),
    Hostile("endless max", "return max(range(10**12))", TIME),
    Hostile("endless comprehension", "return [0 for _ in range(10**12) if False]", TIME),
    Hostile("endless any", "return any(x < 0 for x in range(10**12))", ""),
    Hostile(
        "lambda calls", "f = lambda g, n: 0 if n == 0 else g(g, n - 1)\nwhile 1: f(f, 9)", TIME
    ),
    Hostile("caught for ever", "while True:\n  try: 1 / 0\n  except BaseException: pass", TIME),
    Hostile(
        "time limit caught",
        "while True:\n  try:\n    while True: pass\n  except BaseException: pass\n  finally: pass",
        TIME,
    ),
    Hostile("power of power", "return (3 ** 10 ** 5) ** 10 ** 5", "memory"),
    Hostile("long division", "x = 7 ** 200000\nwhile True: x * x // 3", TIME),
    Hostile("replace bomb", "s = 'ab' * 10**6\nwhile True: s.replace('a', 'c').count('b')", ""),
    Hostile("sorting bomb", "x = list(range(10**6))\nwhile True: x = sorted(x, reverse=True)", ""),
    Hostile(
        "sorting with a slow key", "return sorted(range(99), key=lambda _: sum(range(10**8)))", ""
    ),
    Hostile("exec of a loop", "exec('while True: pass')", TIME),
    Hostile("eval of a sum", "return eval('sum(range(10**12))')", TIME),
    Hostile("printing for ever", "while True: print('x' * 10**6)", TIME),
    Hostile("pause", "import time\ntime.sleep(60)", "not supported"),
    Hostile("pause of a task", "import asyncio\nasyncio.run(asyncio.sleep(60))", ""),
    Hostile(
        "questions for ever",
        "while True:\n  try: nothing\n  except BaseException: pass",
        "too often",
    ),
    Hostile(
        "files for ever",
        "while True:\n  try: open('/x')\n  except BaseException: pass",
        "too often",
    ),
    # Regular expressions
    Hostile("regex, nested", "import re\nreturn re.match('(a+)+$', 'a' * 60 + 'b') is None", ""),
    Hostile("regex, backward", r"import re; return re.match(r'(a*)*\1b', 'a' * 60) is None", ""),
    Hostile(
        "regex, lookahead", "import re\nreturn re.match('(?=(a+))*(a|aa)+$', 'a' * 60 + 'b')", ""
    ),
    Hostile("regex, huge", "import re\nreturn re.compile('(((a{99}){99}){99}){99}') is None", ""),
    # Memory
    Hostile("list bomb", "x = [0]\nwhile True: x = x + x", MEMORY),
    Hostile("append bomb", "x = []\nwhile True: x.append('y' * 999)", ""),
    Hostile("text bomb", "return len('a' * 10**9)", MEMORY),
    Hostile("text doubling", "s = 'a'\nwhile True: s += s", MEMORY),
    Hostile("dict bomb", "d = {}\nn = 0\nwhile True:\n  d[n] = 'x' * 500 + str(n)\n  n += 1", ""),
    Hostile("set bomb", "return len(set(range(10**9)))", MEMORY),
    Hostile("range bomb", "return len(list(range(10**9)))", MEMORY),
    Hostile("power bomb", "return (2 ** 10 ** 9) % 3", MEMORY),
    Hostile("shift bomb", "return (1 << 10 ** 10) % 3", ""),
    Hostile("factorial bomb", "import math\nreturn math.factorial(10**7) % 3", ""),
    Hostile("width of a format", "return len(f'{1:1000000000}')", MEMORY),
    Hostile("width of a percent", "return len('%01000000000d' % 1)", MEMORY),
    Hostile("precision", "return len(f'{1.5:.1000000000f}')", ""),
    Hostile("padding", "return len('a'.ljust(10**9) + 'a'.center(10**9))", MEMORY),
    Hostile("join bomb", "return len('x'.join(['y' * 1000] * 10**6))", MEMORY),
    Hostile("replace growth", "return len(('a' * 10**6).replace('a', 'b' * 10**6))", MEMORY),
    Hostile("repeated list", "return len([[0] * 10**6 for _ in range(10**6)])", MEMORY),
    Hostile(
        "itertools bomb",
        "import itertools\nreturn list(itertools.product(range(99), repeat=9))",
        "",
    ),
    Hostile(
        "shared list as text", "x = []\nfor _ in range(40): x = [x, x]\nreturn len(str(x))", ""
    ),
    Hostile(
        "shared list as JSON",
        "import json\nx = []\nfor _ in range(40): x = [x, x]\njson.dumps(x)",
        "",
    ),
    Hostile("shared list asserted", "x = []\nfor _ in range(40): x = [x, x]\nassert 0, x", ""),
    Hostile(
        "shared list copied",
        "import copy\nx = []\nfor _ in range(40): x = [x, x]\ncopy.deepcopy(x)",
        "",
    ),
    Hostile("JSON, deep", "import json\nreturn json.loads('[' * 10**6 + ']' * 10**6)", ""),
    Hostile("decimal, long", "from decimal import Decimal\nreturn Decimal(10) ** 10**9 % 7", ""),
    # Depth
    Hostile("deep recursion", "def f(n): return f(n + 1)\nreturn f(0)", "RecursionError"),
    Hostile("recursion caught", "def f():\n  try: f()\n  except BaseException: f()\nf()", ""),
    Hostile(
        "deep comparison",
        "x, y = [], []\nfor _ in range(10**5): x, y = [x], [y]\nreturn x == y",
        "",
    ),
    Hostile("deep program", "return eval('(' * 5000 + ')' * 5000)", ""),
    Hostile("deep minus", "return eval('-' * 50000 + '1')", ""),
    Hostile(
        "deep list freed", "x = []\nfor _ in range(10**6): x = [x]\nx = None\nreturn 'fine'", ""
    ),
    Hostile(
        "exception chains",
        "e = None\nwhile True:\n  try: raise KeyError('x') from e\n  except KeyError as f: e = f",
        "",
    ),
    # The world outside
    Hostile("file", "return open('/etc/passwd').read()", "PermissionError"),
    Hostile(
        "file by path",
        "from pathlib import Path\nreturn Path('/etc/passwd').read_text()",
        "PermissionError",
    ),
    Hostile("file written", "open('/tmp/hostile', 'w').write('x')", "PermissionError"),
    Hostile("folder", "import os\nreturn os.listdir('/')", "PermissionError"),
    Hostile("environment", "import os\nreturn dict(os.environ)", "not supported"),
    Hostile("variable", "import os\nreturn os.getenv('PATH')", "not supported"),
    Hostile("shell", "import os\nos.system('id')", "AttributeError"),
    Hostile("end of the process", "import os\nos._exit(0)", "AttributeError"),
    Hostile("exit", "import sys\nsys.exit(0)", ""),
    Hostile("system exit", "raise SystemExit", "SystemExit"),
    Hostile("interrupt", "raise KeyboardInterrupt", "KeyboardInterrupt"),
    Hostile("subprocess", "import subprocess\nsubprocess.run(['id'])", NO_MODULE),
    Hostile("socket", "import socket\nsocket.socket()", NO_MODULE),
    Hostile("request", "import urllib.request\nurllib.request.urlopen('http://[::1]')", NO_MODULE),
    Hostile("ctypes", "import ctypes\nctypes.string_at(0)", NO_MODULE),
    Hostile("pickle", "import pickle\npickle.loads(b'cos\\nsystem\\n(S\"id\"\\ntR.')", NO_MODULE),
    Hostile("marshal", "import marshal\nmarshal.loads(b'c')", NO_MODULE),
    Hostile("threads", "import threading\nthreading.Thread(target=print).start()", NO_MODULE),
    Hostile("garbage", "import gc\nreturn str(gc.get_objects())", NO_MODULE),
    Hostile("our own modules", "import pydantic_monty", NO_MODULE),
    Hostile("question to a person", "return input('password?')", UNKNOWN),
    Hostile("debugger", "breakpoint()", UNKNOWN),
    # Introspection
    Hostile("subclasses", "return ().__class__.__bases__[0].__subclasses__()", "AttributeError"),
    Hostile("bases", "return str.__mro__[1].__subclasses__()", "AttributeError"),
    Hostile("builtins", "return __builtins__['open']", UNKNOWN),
    Hostile("import by name", "return __import__('os').system('id')", UNKNOWN),
    Hostile("loader", "return __loader__.load_module('os')", UNKNOWN),
    Hostile("code object", "return run.__code__.co_consts", "AttributeError"),
    Hostile("globals of a function", "return run.__globals__", "AttributeError"),
    Hostile("globals", "return globals()", UNKNOWN),
    Hostile("names of the frame", "return dir()", UNKNOWN),
    Hostile("compile", "return compile('1', '', 'eval')", UNKNOWN),
    Hostile(
        "getattr", "return getattr(getattr((), '__cla' + 'ss__'), '__base__')", "AttributeError"
    ),
    Hostile("format", "return '{0.__class__.__init__.__globals__}'.format(run)", ""),
    Hostile("frame", "import sys\nreturn sys._getframe(1).f_locals", "AttributeError"),
    Hostile(
        "traceback", "try: 1 / 0\nexcept Exception as e: return e.__traceback__.tb_frame", "Attr"
    ),
    Hostile("module of JSON", "import json\nreturn json.codecs.sys.modules", "AttributeError"),
    Hostile("patched JSON", "import json\njson.dumps = None", "AttributeError"),
    Hostile("patched text", "str.__len__ = lambda s: 0", ""),
    Hostile("error with a number", "raise ValueError(10 ** 10 ** 5)", ""),
    Hostile("error with a long message", "raise ValueError('x' * 10**6)", "ValueError: xxx"),
    Hostile("error that is no error", "raise 7", "TypeError"),
    # Results
    Hostile("long text", "return 'x' * 100000", "returned more than 64 kB"),
    Hostile("wide text", "return '\\U0001f600' * 30000", "returned more than 64 kB"),
    Hostile("long list", "return list(range(10**5))", "returned more than 64 kB"),
    Hostile("shared list", "x = []\nfor _ in range(40): x = [x, x]\nreturn x", "more than 64 kB"),
    Hostile("list in itself", "x = []\nx.append(x)\nreturn x", "nested too deeply"),
    Hostile("object in itself", "x = {}\nx['x'] = x\nreturn x", "nested too deeply"),
    Hostile("deep list", "x = []\nfor _ in range(10**5): x = [x]\nreturn x", "nested too deeply"),
    Hostile("NaN", "return float('nan')", "NaN and Infinity"),
    Hostile("infinity", "return [1, -float('inf')]", "NaN and Infinity"),
    Hostile(
        "NaN of decimals", "from decimal import Decimal\nreturn Decimal('sNaN')", "NaN and Infin"
    ),
    Hostile("huge number", "return 10 ** 10 ** 5", "more than 1000 digits"),
    Hostile("huge number in a list", "return [10 ** 10 ** 5]", "more than 1000 digits"),
    Hostile(
        "huge decimal", "from decimal import Decimal\nreturn Decimal('1e999999')", "1000 digits"
    ),
    Hostile("function", "return run", "returned a function"),
    Hostile("builtin", "return open", "no cell can hold"),
    Hostile("type", "return int", "no cell can hold"),
    Hostile("module", "import json\nreturn json", "no cell can hold"),
    Hostile("iterator", "return iter([1])", "no cell can hold"),
    Hostile("bytes", "return b'x'", "no cell can hold"),
    Hostile("exception", "return ValueError('x')", "no cell can hold"),
    Hostile("instance", "class A:\n  pass\nreturn A()", "no cell can hold"),
    Hostile("key that is no text", "return {(1, 2): 3}", "a key that is no text"),
    Hostile("set without order", "return {1, 'a'}", "TypeError"),
    Hostile("what the wrapper makes", "return (1, 'forged')", ""),
    Hostile("NUL", "return 'a\\x00b'", "U+0000"),
    Hostile("half a character", "return '\\ud800'", ""),
]
