// @vitest-environment jsdom
import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { Problem } from '@/api/problem';
import { address } from './address';
import { ConfirmDelete } from './ConfirmDelete';
import { DataTable, type Column } from './DataTable';
import { StateBadge } from './StateBadge';
import { show } from './testing';
import { Ticks } from './Ticks';

interface Row {
  id: string;
  name: string;
}
const columns: Column<Row>[] = [{ key: 'name', header: 'Name', sortBy: 'name', render: (row) => row.name }];
const list = { rows: [{ id: '1', name: 'Ali' }, { id: '2', name: 'Bee' }], isLoading: false, problem: null, retry: () => {} };

describe('tables', () => {
  const basics = { label: 'People', columns, rowId: (row: Row) => row.id, rowName: (row: Row) => row.name, empty: <p>Nobody</p> };

  it('sort by their heads and say so', async () => {
    const onSort = vi.fn();
    show(<DataTable {...basics} list={list} sort="name" onSort={onSort} />);
    expect(screen.getByRole('columnheader').getAttribute('aria-sort')).toBe('ascending');
    await userEvent.click(screen.getByRole('button', { name: 'Name' }));
    expect(onSort).toHaveBeenCalledWith('-name');
  });

  it('select rows one by one and all at once', async () => {
    const onSelect = vi.fn();
    show(<DataTable {...basics} list={list} selected={new Set(['1'])} onSelect={onSelect} />);
    await userEvent.click(screen.getByRole('checkbox', { name: 'Select Bee' }));
    expect(onSelect).toHaveBeenLastCalledWith(new Set(['1', '2']));
    await userEvent.click(screen.getByRole('checkbox', { name: 'Select all rows shown' }));
    expect(onSelect).toHaveBeenLastCalledWith(new Set(['1', '2']));
  });

  it('load more, and tell how many there are', async () => {
    const loadMore = vi.fn();
    show(<DataTable {...basics} list={{ ...list, total: 90, hasMore: true, loadMore }} />);
    expect(screen.getByRole('status').textContent).toBe('2 of 90 shown');
    await userEvent.click(screen.getByTestId('table-load-more'));
    expect(loadMore).toHaveBeenCalled();
  });

  it('show what is empty, and what failed with its request number', async () => {
    show(<DataTable {...basics} list={{ ...list, rows: [] }} />);
    expect(screen.getByText('Nobody')).toBeTruthy();
    const retry = vi.fn();
    show(<DataTable {...basics} list={{ ...list, problem: new Problem({ status: 500, request_id: 'req_9' }), retry }} />);
    expect(screen.getByText('req_9')).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(retry).toHaveBeenCalled();
  });
});

describe('deleting', () => {
  const basics = { opened: true, title: 'Delete?', action: 'Delete 312 leads' };

  it('needs the name where the loss is large', async () => {
    const onConfirm = vi.fn().mockResolvedValue(undefined);
    show(<ConfirmDelete {...basics} onClose={() => {}} losses={['312 leads']} typeName="Front desk" onConfirm={onConfirm} />);
    const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Delete 312 leads' });
    expect(button.disabled).toBe(true);
    await userEvent.type(screen.getByTestId('confirm-name'), 'Front desk');
    await userEvent.click(button);
    expect(onConfirm).toHaveBeenCalledOnce();
  });

  it('stays open and tells why when it failed', async () => {
    const onClose = vi.fn();
    const onConfirm = vi.fn().mockRejectedValue(new Problem({ status: 409, code: 'x', detail: 'It is in use.' }));
    show(<ConfirmDelete {...basics} onClose={onClose} onConfirm={onConfirm} />);
    await userEvent.click(screen.getByTestId('confirm-delete'));
    await waitFor(() => expect(within(screen.getByRole('alert')).getByText('It is in use.')).toBeTruthy());
    expect(onClose).not.toHaveBeenCalled();
  });
});

describe('states', () => {
  it('are words, not colours alone', () => {
    show(<StateBadge kind="device" state="logged_out" />);
    expect(screen.getByText('Logged out')).toBeTruthy();
  });

  it('have ticks with names', () => {
    show(<Ticks state="read" />);
    show(<Ticks state="unknown" />);
    expect(screen.getByRole('img', { name: 'Read' })).toBeTruthy();
    expect(screen.getByRole('img', { name: 'May have arrived, not confirmed' })).toBeTruthy();
  });
});

describe('addresses', () => {
  it('part into path and values', () => {
    expect(address('/devices?state=online&add=true&days=7')).toEqual({ to: '/devices', search: { state: 'online', add: true, days: 7 } });
    expect(address('/leads')).toEqual({ to: '/leads' });
  });
});
