"""What must hold between an exchange and its audit after every call."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from simulation.driver import ACCOUNTS, INSTRUMENTS, START, Driver


def check(driver: Driver) -> None:
    """Complain by AssertionError when exchange and audit differ."""
    equity_is_what_came_in_and_what_prices_made_of_it(driver)
    totals_and_tables_agree_with_the_audit(driver)
    an_order_is_in_one_state_and_one_place(driver)
    lines_are_in_order(driver)


def equity_is_what_came_in_and_what_prices_made_of_it(driver: Driver) -> None:
    """Wallet and open profit are start, fills, fees, funding, insurance and the mark: exactly."""
    for name in ACCOUNTS:
        wallet = driver.exchange.balance(name).wallet
        assert wallet == driver.audit.wallets[name]
        held, cost = Fraction(0), Fraction(0)
        for (owner, symbol, _), holding in driver.audit.holdings.items():
            if owner == name:
                lot = Fraction(INSTRUMENTS[symbol].lot)
                mark = driver.audit.marks.get(symbol)
                cost += holding.cost
                held += holding.cost if mark is None else Fraction(mark) * lot * holding.lots
        equity = Fraction(driver.audit.apart[name]) + driver.audit.cash[name] + held
        assert Fraction(wallet) + held - cost == equity, "money came or went"


def totals_and_tables_agree_with_the_audit(driver: Driver) -> None:
    """Ledger, income, positions and what is set apart are those of the audit."""
    for name in ACCOUNTS:
        ledger, balance = driver.exchange.ledger(name), driver.exchange.balance(name)
        gained = ledger.realised - ledger.commission + ledger.funding + ledger.insurance
        assert balance.wallet == START + gained
        rows = driver.exchange.income(name, limit=10**6)
        assert sum((row.amount for row in rows), Decimal(0)) == gained
        apart = Decimal(0)
        for symbol in INSTRUMENTS:
            for leg in driver.exchange._desk(name, symbol).legs.values():
                assert leg.position.lots == driver.audit.holding(name, symbol, leg.side).lots
                assert leg.isolated_e8 == 0 or (leg.position.lots and "isolated" in name)
                apart += leg.state().isolated_wallet
        assert balance.cross_wallet == balance.wallet - apart


def an_order_is_in_one_state_and_one_place(driver: Driver) -> None:
    """An order is open or closed, in the book once, and as last reported."""
    found: list[int] = []
    for name in ACCOUNTS:
        for order in driver.exchange.open_orders(name):
            assert driver.audit.live[order.order_id][::2] == (order, name)
            found.append(order.order_id)
        for symbol in INSTRUMENTS:
            desk = driver.exchange._desk(name, symbol)
            assert not desk.open.keys() & desk.closed.keys()
            assert all(each.status.is_terminal for each in desk.closed.values())
    assert sorted(found) == sorted(driver.audit.live)
    resting = [
        number
        for symbol in INSTRUMENTS
        for half in (driver.book(symbol).bids, driver.book(symbol).asks)
        for level in half.levels.values()
        for number in level.orders
    ]
    assert sorted(resting) == sorted(found)
    waiting = {each.algo_id for name in ACCOUNTS for each in driver.exchange.open_algos(name)}
    assert waiting == driver.audit.waiting


def lines_are_in_order(driver: Driver) -> None:
    """Participants' orders do not cross, and each line is one of arrival."""
    for symbol in INSTRUMENTS:
        book = driver.book(symbol)
        assert book.bids.best + book.asks.best > 0, "participants' orders cross"
        for half in (book.bids, book.asks):
            for level in half.levels.values():
                ahead = [order.ahead for order in level.orders.values()]
                assert ahead == sorted(ahead)
                places = [driver.audit.live[number][1] for number in level.orders]
                assert places == sorted(places), "a later order stands before an earlier one"
