#!/usr/bin/env python3
"""Turns the data file of genai-prices into C++ initialisers: make_catalog.py data.py out.inc --version V --as-of DATE

The data file is read as a syntax tree and never executed. Prices become integer pico-USD a token
(1 USD per million tokens = 1,000,000 pico-USD a token). What one number a token cannot say exactly is
left out, so that the server reports it as unknown:
  - prices by time of day (those by start date are all kept, the server picks by its date),
  - models that are also billed by request, message or other units that a token count does not carry.
Tiered prices ("more than N prompt tokens cost more for all tokens") keep the base price together with N:
it holds for prompts of at most N tokens.
"""

import argparse
import ast
from decimal import ROUND_HALF_EVEN, Decimal

KINDS = {
    'ClauseEquals': ('equals', 'kEquals'),
    'ClauseStartsWith': ('starts_with', 'kStartsWith'),
    'ClauseEndsWith': ('ends_with', 'kEndsWith'),
    'ClauseContains': ('contains', 'kContains'),
    'ClauseRegex': ('regex', 'kRegex'),
    'ClauseOr': ('or_', 'kOr'),
    'ClauseAnd': ('and_', 'kAnd'),
}
# The prices that a token count can be multiplied with, in the order of the C++ struct.
PLAIN = ('input_mtok', 'output_mtok', 'cache_read_mtok', 'cache_write_mtok')
# Billed only for what strata never asks a provider for, or for a longer cache life.
IGNORED = ('web_searches_kcount', 'storage_searches_kcount', 'cache_write_1h_mtok', 'input_audio_mtok',
           'output_audio_mtok', 'cache_audio_read_mtok', 'audio_hours', 'input_audio_hours', 'input_video_mtok',
           'output_video_mtok', 'output_image_mtok')
# Billed apart from, or instead of, ordinary tokens of the named direction: that direction is then unknown.
SPOILS = {
    'input_image_mtok': 'input_mtok', 'input_mchars': 'input_mtok', 'input_document_kpages': 'input_mtok',
    'input_annotated_document_kpages': 'input_mtok', 'input_text_messages_kcount': 'input_mtok',
    'requests_kcount': 'input_mtok', 'cache_image_read_mtok': 'input_mtok',
    'output_reasoning_mtok': 'output_mtok', 'output_citation_mtok': 'output_mtok',
}


class Call:
    """A constructor call of the data file: its name and arguments."""

    def __init__(self, name, args, kwargs):
        self.name, self.args, self.kwargs = name, args, kwargs

    def get(self, key, default=None):
        return self.kwargs.get(key, default)


def evaluate(node):
    """The value of a literal expression; calls become Call. Anything else is an error."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List):
        return [evaluate(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {evaluate(k): evaluate(v) for k, v in zip(node.keys, node.values)}
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        args = [evaluate(arg) for arg in node.args]
        if name == 'Decimal':
            return Decimal(args[0])
        return Call(name, args, {k.arg: evaluate(k.value) for k in node.keywords})
    if isinstance(node, ast.Attribute):  # datetime.timezone.utc
        return ast.unparse(node)
    raise ValueError(f'line {node.lineno}: unexpected {type(node).__name__} in the data file')


def read_providers(path):
    with open(path, encoding='utf-8') as file:
        tree = ast.parse(file.read(), path)
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign) and statement.target.id == 'providers':
            return evaluate(statement.value)
    raise ValueError(f'{path} does not assign `providers`')


def quote(text):
    """A C++ string literal; bytes beyond ASCII as octal escapes."""
    out = []
    for byte in (text or '').encode('utf-8'):
        char = chr(byte)
        out.append(char if 32 <= byte < 127 and char not in '"\\?' else f'\\{byte:03o}')
    return '"' + ''.join(out) + '"'


def picousd(value):
    """Pico-USD a token of a price per million tokens, None when it does not fit 62 bits.

    All list prices are whole pico-USD; a few in the data carry the noise of binary floating point
    (0.18000000000000002, 0.0833333333333333) and are rounded to the nearest.
    """
    exact = value * 1_000_000
    return int(exact.to_integral_value(ROUND_HALF_EVEN)) if 0 <= exact < 2**62 else None


class Writer:
    def __init__(self):
        self.clauses, self.prices, self.models, self.providers, self.fallbacks = [], [], [], [], []

    def clause(self, clause):
        """Adds a clause and its children in prefix order."""
        member, kind = KINDS[clause.name]
        value = clause.get(member)
        if isinstance(value, list):
            self.clauses.append(f'{{Clause::{kind}, {len(value)}, ""}}')
            for child in value:
                self.clause(child)
        else:
            self.clauses.append(f'{{Clause::{kind}, 0, {quote(value)}}}')

    def price(self, constraint, prices):
        start, unknown = 0, False
        if constraint is not None:
            if constraint.name == 'StartDateConstraint':
                year, month, day = constraint.get('start_date').args
                start = year * 10000 + month * 100 + day
            else:
                unknown = True
        known, prompt_max = {}, 0
        for key, value in prices.kwargs.items():
            if isinstance(value, Call):  # TieredPrices
                first = min(tier.get('start') for tier in value.get('tiers'))
                prompt_max = first if prompt_max == 0 else min(prompt_max, first)
                value = value.get('base')
            if key in PLAIN:
                known[key] = picousd(value)
            elif key not in IGNORED and key not in SPOILS:
                unknown = True
        for key, spoilt in SPOILS.items():
            if key in prices.kwargs and prices.kwargs[key] != prices.kwargs.get(spoilt):
                known[spoilt] = None
        numbers = [-1 if unknown or known.get(key) is None else known[key] for key in PLAIN]
        self.prices.append('{%d, {%s}, %d}' % (start, ', '.join(map(str, numbers)), prompt_max))

    def model(self, model):
        clause_at, price_at = len(self.clauses), len(self.prices)
        self.clause(model.get('match'))
        prices = model.get('prices', [])
        if isinstance(prices, Call):
            self.price(None, prices)
        else:
            for conditional in prices:
                constraint = conditional.args[0] if conditional.args else conditional.get('constraint')
                self.price(constraint, conditional.get('prices'))
        self.models.append('{%s, %s, %d, %d, %d, %d}' % (
            quote(model.get('id')), quote(model.get('name')), model.get('context_window') or 0, clause_at, price_at,
            len(self.prices) - price_at))

    def provider(self, provider):
        first_model, first_fallback = len(self.models), len(self.fallbacks)
        for model in provider.get('models', []):
            self.model(model)
        self.fallbacks += [quote(name) for name in provider.get('fallback_model_providers') or []]
        self.providers.append('{%s, %s, %d, %d, %d, %d}' % (
            quote(provider.get('id')), quote(provider.get('api_pattern')), first_model,
            len(self.models) - first_model, first_fallback, len(self.fallbacks) - first_fallback))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('data')
    parser.add_argument('out')
    parser.add_argument('--version', required=True)
    parser.add_argument('--as-of', required=True)
    options = parser.parse_args()
    writer = Writer()
    for provider in read_providers(options.data):
        writer.provider(provider)
    with open(options.out, 'w', encoding='utf-8') as out:
        out.write('// Generated by cmake/setup/make_catalog.py from the data of genai-prices (MIT).\n')
        out.write(f'constexpr std::string_view kVersion = {quote(options.version)};\n')
        out.write(f'constexpr std::string_view kAsOf = {quote(options.as_of)};\n')
        for kind, name, rows in (('Clause', 'kClauses', writer.clauses), ('DatedPrice', 'kPrices', writer.prices),
                                 ('ModelRow', 'kModels', writer.models), ('const char*', 'kFallbacks', writer.fallbacks),
                                 ('ProviderRow', 'kProviders', writer.providers)):
            out.write('constexpr %s %s[] = {\n  %s};\n' % (kind, name, ',\n  '.join(rows)))


if __name__ == '__main__':
    main()
