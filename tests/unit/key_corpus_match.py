"""Pairs of values whose keys must agree, as expressions in terms of `key_corpus_things`."""

from __future__ import annotations

#: Equal, of the same type, and made in different ways.
MATCH: dict[str, list[tuple[str, str]]] = {
    "scalars": [
        ("1", "int('1')"), ("10**30", "int('1' + '0' * 30)"), ("'ab'", "''.join(['a', 'b'])"), ("0.5", "1 / 2"), ("True", "not False"),
        ("float('nan')", "float('nan')"), ("b'ab'", "bytes([97, 98])"), ("range(0, 3)", "range(3)"), ("range(0, 3)", "range(0, 3, 1)"),
        ("slice(1)", "slice(None, 1)"), ("int", "type(1)"), ("'\\u00e9'", "chr(233)"), ("bytearray(b'a')", "bytearray([97])"),
        ("memoryview(b'abc')", "memoryview(bytearray(b'abc'))"), ("None", "print()" ), ("1j", "complex(0, 1)"),
    ],
    "containers": [
        ("[1, 2]", "list(range(1, 3))"), ("(1, 2)", "tuple([1, 2])"), ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
        ("{'a': 1, 'b': 2}", "grown({'a': 1, 'b': 2})"), ("{1, 2, 3}", "{3, 1, 2}"), ("{'a', 'b', 'c'}", "set('cba')"),
        ("frozenset('abc')", "frozenset('cab')"), ("{frozenset('ab'), 1}", "{1, frozenset('ba')}"), ("{(1, 'a'), 'b'}", "{'b', (1, 'a')}"),
        ("shared([1])", "[[1], [1]]"), ("[[1]] * 3", "[[1], [1], [1]]"), ("[(1, 2)] * 2", "[(1, 2), tuple([1, 2])]"),
        ("{0, 8}", "{8, 0}"), ("{'a': {'c': 1, 'b': 2}}", "{'a': {'b': 2, 'c': 1}}"), ("{1: 1, 'a': 2, None: 3}", "{None: 3, 'a': 2, 1: 1}"),
        ("collections.deque([1, 2])", "pushed(1, 2)"), ("collections.Counter('aab')", "collections.Counter({'b': 1, 'a': 2})"),
        ("collections.defaultdict(int, a=1, b=2)", "collections.defaultdict(int, b=2, a=1)"), ("Words([1])", "Words((1,))"),
        ("Table(a=1, b=2)", "Table(b=2, a=1)"), ("Bag('ab')", "Bag('ba')"), ("Pair(1, 2)", "Pair(right=2, left=1)"),
        ("array.array('i', [1, 2])", "array.array('i', (1, 2))"), ("around(1)", "around(1)"), ("[{}] * 2", "[{}, {}]"),
        ("types.MappingProxyType({1: 2, 3: 4})", "types.MappingProxyType({3: 4, 1: 2})"),
        ("types.SimpleNamespace(a=1, b=2)", "types.SimpleNamespace(b=2, a=1)"), ("list(range(5000))", "[*range(5000)]"),
        ("{n: n for n in range(999)}", "{n: n for n in reversed(range(999))}"),
    ],
    "standard library": [
        ("datetime.datetime(2024, 1, 1)", "datetime.datetime.fromisoformat('2024-01-01')"),
        ("datetime.timedelta(days=1)", "datetime.timedelta(hours=24)"), ("datetime.timedelta(0)", "datetime.timedelta()"),
        ("datetime.UTC", "datetime.timezone.utc"), ("datetime.timezone.utc", "datetime.timezone(datetime.timedelta(0))"),
        ("zoneinfo.ZoneInfo('Europe/Berlin')", "zoneinfo.ZoneInfo.no_cache('Europe/Berlin')"),
        ("decimal.Decimal('1.0')", "decimal.Decimal((0, (1, 0), -1))"), ("fractions.Fraction(2, 4)", "fractions.Fraction(1, 2)"),
        ("uuid.UUID(int=1)", "uuid.UUID('00000000-0000-0000-0000-000000000001')"), ("pathlib.PurePosixPath('a/b')", "pathlib.PurePosixPath('a', 'b')"),
        ("pathlib.PurePosixPath('a/b')", "pathlib.PurePosixPath('a') / 'b'"), ("pathlib.PurePosixPath('a//b/.')", "pathlib.PurePosixPath('a/b')"),
        ("re.compile('a')", "re.compile('a', 0)"), ("ipaddress.ip_address('1.2.3.4')", "ipaddress.ip_address(16909060)"),
        ("functools.partial(one, 1)", "functools.partial(functools.partial(one), 1)"), ("operator.itemgetter(1)", "operator.itemgetter(1)"),
        ("ValueError('a')", "ValueError('a')"), ("itertools.count", "itertools.count"),
    ],
    "enumerations": [
        ("Colour.RED", "Colour(1)"), ("Colour.RED", "Colour['RED']"), ("Colour.RED", "Colour.CRIMSON"), ("Level.ONE", "Level(1)"),
        ("Access.READ | Access.WRITE", "Access.WRITE | Access.READ"), ("Access.READ | Access.WRITE", "Access(3)"), ("Word.A", "Word('a')"),
        ("{Colour.RED, Colour.BLUE}", "{Colour.BLUE, Colour.RED}"),
    ],
    "objects": [
        ("Point(1)", "Point(1, 0)"), ("Point(1)", "Point(y=0, x=1)"), ("Spot(1)", "Spot(y=0, x=1)"), ("Plain(a=1, b=2)", "Plain(b=2, a=1)"),
        ("Slotted(a=1, b=2)", "Slotted(b=2, a=1)"), ("Holder(1)", "Holder(1)"), ("Plain(a={1, 2})", "Plain(a={2, 1})"),
        ("Number(1)", "Number('1')"), ("Name('a')", "Name(b'a', 'ascii')"), ("Plain(a=Plain(b=1))", "Plain(a=Plain(b=1))"),
        ("local(1)", "local(1)"), ("local(1)()", "local(1)()"), ("Plain(a=1).method", "Plain(a=1).method"), ("Point", "type(Point(1))"),
        ("dataclasses.replace(Point(1), x=2)", "Point(2)"),
    ],
    "functions": [
        ("adder(1)", "adder(1)"), ("adder({1, 2})", "adder({2, 1})"), ("adder(adder(1))", "adder(adder(1))"), ("with_default([1])", "with_default([1])"),
        ("with_keyword(1)", "with_keyword(1)"), ("nested(1)", "nested(1)"), ("lambda x: x", "lambda x: x"), ("lambda x: x + 1", "lambda x: (x + 1)"),
        ("lambda x: 1 + 1", "lambda x: 2"), ("lambda x: x in {1, 2}", "lambda x: x in {2, 1}"), ("lambda x: 'a' 'b'", "lambda x: 'ab'"),
        ("attributed(adder(1), a=1)", "attributed(adder(1), a=1)"), ("len", "len"), ("one", "one"), ("[].append", "[].append"),
        ("functools.partial(adder(1), 1)", "functools.partial(adder(1), 1)"), ("lambda x: x in {'a', 'b'}", "lambda x: x in {'b', 'a'}"),
    ],
    "numpy": [
        ("np.arange(4)", "np.array([0, 1, 2, 3])"), ("np.arange(6).reshape(2, 3)", "np.asfortranarray(np.arange(6).reshape(2, 3))"),
        ("np.arange(6).reshape(2, 3)", "np.arange(6).reshape(3, 2).reshape(2, 3)"), ("np.arange(3)", "strided([0, 1, 2])"),
        ("np.arange(4)", "np.arange(4)[::-1][::-1]"), ("np.zeros(4)", "np.zeros((2, 2)).ravel()"), ("np.arange(4).T", "np.arange(4)"),
        ("np.zeros(3)", "np.broadcast_to(0.0, 3)"), ("np.int64(1)", "np.array([1])[0]"), ("np.float64(0.5)", "np.float64(1) / 2"),
        ("np.array(['a', 'b'])", "np.array(list('ab'))"), ("np.array([1, 'a'], object)", "np.array([1, 'a'], dtype='O')"),
        ("np.ma.array([1, 2], mask=[0, 1])", "np.ma.array([1, 99], mask=[0, 1])"), ("np.dtype('i4')", "np.dtype(np.int32)"),
        ("np.dtype('f8')", "np.zeros(1).dtype"), ("np.array([np.nan])", "np.array([float('nan')])"), ("np.zeros((0, 3))", "np.empty((0, 3))"),
        ("[np.arange(3)]", "[np.arange(3)]"), ("{'a': np.arange(3)}", "{'a': strided([0, 1, 2])}"), ("np.zeros(2, [('a', 'i4')])", "np.zeros(2, np.dtype([('a', 'i4')]))"),
        ("np.arange(3, dtype='<i8')", "np.arange(3)"), ("np.array(5)", "np.asarray(5)"), ("np.array(['2024-01-01'], 'M8[D]')", "np.array([datetime.date(2024, 1, 1)], 'M8[D]')"),
    ],
    "pandas": [
        ("pd.DataFrame({'a': [1, 2]})", "pd.DataFrame([[1], [2]], columns=['a'])"), ("pd.DataFrame({'a': [1], 'b': [2]})", "pd.DataFrame({'b': [2], 'a': [1]})[['a', 'b']]"),
        ("pd.DataFrame({'a': [1, 2]})", "pd.DataFrame({'a': [1, 2, 3]}).iloc[:2]"), ("pd.DataFrame({'a': [1, 2]})", "pd.DataFrame({'a': [1, 2]}).copy()"),
        ("pd.DataFrame({'a': [1], 'b': [2]})", "pd.DataFrame({'a': [1]}).assign(b=[2])"), ("pd.Series([1, 2])", "pd.DataFrame({'a': [1, 2]})['a'].rename(None)"),
        ("pd.DataFrame({'a': [1, 2]})", "pd.concat([pd.DataFrame({'a': [1]}), pd.DataFrame({'a': [2]})], ignore_index=True)"),
        ("pd.Series(['a', 'b'], dtype='category')", "pd.Series(pd.Categorical(['a', 'b']))"), ("pd.RangeIndex(2)", "pd.RangeIndex(0, 2, 1)"),
        ("pd.Timestamp('2024')", "pd.Timestamp(2024, 1, 1)"), ("pd.Timedelta('1D')", "pd.Timedelta(hours=24)"), ("pd.NA", "pd.NA"),
        ("pd.Series([1, None, 3], dtype='Int64')", "pd.Series(dirty([False, True, False]))"), ("pd.Index(['a'])", "pd.Series(['a']).pipe(pd.Index)"),
        ("pd.MultiIndex.from_tuples([(1, 2)])", "pd.MultiIndex.from_arrays([[1], [2]])"),
        ("pd.MultiIndex.from_tuples([(1, 2)])", "pd.MultiIndex.from_tuples([(1, 2), (3, 4)])[:1]"),
        ("pd.MultiIndex.from_product([[1], [2]])", "pd.MultiIndex.from_tuples([(1, 2)])"), ("pd.Period('2024', 'Y')", "pd.Period(year=2024, freq='Y')"),
        ("pd.DataFrame({'a': ['x', None]}, dtype=object)", "pd.DataFrame({'a': np.array(['x', None], object)}, dtype=object)"),
        ("pd.DataFrame()", "pd.DataFrame({})"), ("pd.to_datetime(['2024-01-01'])", "pd.DatetimeIndex(['2024-01-01'])"),
        ("pd.DataFrame({'a': [1, 2]}).query('a > 1')", "pd.DataFrame({'a': [1, 2]})[1:]"),
    ],
    "arrow": [
        ("pa.array([1, 2])", "pa.array((1, 2))"), ("pa.array([1, 2])", "pa.array([0, 1, 2])[1:]"), ("pa.table({'a': [1]})", "pa.table([pa.array([1])], ['a'])"),
        ("pa.table({'a': [1, 2]})", "pa.table({'a': [1, 2, 3]}).slice(0, 2)"), ("pa.table({'a': [1, 2]})", "pa.concat_tables([pa.table({'a': [1]}), pa.table({'a': [2]})])"),
        ("pa.int32()", "pa.array([1], pa.int32()).type"), ("pa.scalar(1)", "pa.array([1])[0]"), ("pa.schema([('a', pa.int32())])", "pa.schema({'a': pa.int32()})"),
        ("pa.table({'a': [1]})", "pa.Table.from_pydict({'a': [1]})"), ("pa.chunked_array([[1, 2]])", "pa.chunked_array([[1], [2]])"),
    ],
}  # fmt: skip

#: Tasks that compute the same.
CODE_MATCHES: list[tuple[str, str]] = [
    ("task(adder(1))", "task(adder(1))"), ("task(adder(1))", "task(adder(1), name='other', max_retries=1, retry_delay=1)"), ("Scale(1)", "Scale(1)"),
    ("Scale(1)", "Scale(1, name='other', cache_key='k')"), ("task(nested({1, 2}))", "task(nested({2, 1}))"),
    ("task_of('def f(x): return x')", "task_of('# c\\n\\ndef f(x):\\n    return x  # d')"),
    ("task_of('def f(x): return x')", "task_of('def f(x): return x\\ndef g(): return 1', h=1)"),
    ("task_of('def f(x): return x + RATE', RATE=[1])", "task_of('def f(x): return x + RATE', RATE=[1])"),
    ("task_of('def f(x: int) -> int: return x')", "task_of('def f(x): return x')"),
    ("task_of('def f(x): return g(x)\\ndef g(x): return f(x)')", "task_of('def g(x): return f(x)\\ndef f(x): return g(x)')"),
]  # fmt: skip

#: Values whose key must survive pickling, besides all those above.
ALSO_PICKLED: list[str] = [
    "[Plain(a=[1]), Plain(a=[1])]", "{'a': (1, [2, {3}])}", "shared({'a': 1})", "shared('abc' * 100)", "[np.arange(3)] * 2", "shared(pd.DataFrame({'a': [1]}))",
    "{'frame': pd.DataFrame({'a': ['x', 'y'], 'b': [1.5, None]}), 'n': 1}", "pd.DataFrame({'a': pd.Categorical(['x', 'y'])})",
    "pd.DataFrame({'t': pd.to_datetime(['2024', '2025'], utc=True)})", "pd.date_range('2024', periods=3)", "pd.DataFrame({'s': pd.array(['a', None], 'string')})",
    "datetime.datetime.now(zoneinfo.ZoneInfo('Europe/Berlin'))", "collections.OrderedDict(b=1, a=2)", "Pair([1], {2})", "Point(Point(1))",
]  # fmt: skip

#: Pairs of :data:`MATCH` that miss all the same, and why. A miss costs a second run, and is never wrong.
FALSE_MISSES: dict[tuple[str, str], str] = {
    ("zoneinfo.ZoneInfo('Europe/Berlin')", "zoneinfo.ZoneInfo.no_cache('Europe/Berlin')"):
        "a zone that is made without the cache says so when it pickles, and is another object in every process",
    ("pa.array([1, 2])", "pa.array([0, 1, 2])[1:]"): "a slice of Arrow's keeps its offset",
    ("pa.table({'a': [1, 2]})", "pa.table({'a': [1, 2, 3]}).slice(0, 2)"): "a slice of Arrow's keeps its offset",
    ("pa.table({'a': [1, 2]})", "pa.concat_tables([pa.table({'a': [1]}), pa.table({'a': [2]})])"): "Arrow keeps chunks apart",
    ("pa.chunked_array([[1, 2]])", "pa.chunked_array([[1], [2]])"): "Arrow keeps chunks apart",
}  # fmt: skip
