// A list of rows: a table with a sticky head on wide screens, cards on phones; selection, sorting, "load more", and what to show instead.
import { Box, Button, Checkbox, Collapse, Group, Paper, Skeleton, Stack, Table, Text, UnstyledButton } from '@mantine/core';
import { ArrowDown, ArrowUp, ArrowUpDown, ChevronDown } from 'lucide-react';
import { memo, useEffect, useRef, useState, type ReactNode } from 'react';
import type { CursorList } from '@/api/lists';
import { useWords } from '@/words';
import { FailedLoad } from './ProblemNote';
import { useIsPhone } from './usePhone';

export interface Column<T> {
  key: string;
  header: string;
  render: (row: T) => ReactNode;
  /** Field name for `?sort=`; without it the column cannot be sorted. */
  sortBy?: string;
  /** On phones: `title` heads the card, `main` stands below it, others are behind "More"; `hidden` is left out. */
  onPhone?: 'title' | 'main' | 'more' | 'hidden';
  align?: 'left' | 'right' | 'center';
  width?: number | string;
}

interface Props<T> {
  /** Read out as the table's name. */
  label: string;
  columns: Column<T>[];
  list: Pick<CursorList<T>, 'rows' | 'isLoading' | 'problem' | 'retry'> & Partial<CursorList<T>>;
  rowId: (row: T) => string;
  /** For "Select …" of a row. */
  rowName?: (row: T) => string;
  empty: ReactNode;
  /** `-created_at`: minus is descending. */
  sort?: string;
  onSort?: (sort: string) => void;
  selected?: Set<string>;
  onSelect?: (selected: Set<string>) => void;
  /** Instead of "3 selected", when more is selected than the rows on the screen. */
  selectedWords?: string;
  onOpen?: (row: T) => void;
  /** Buttons at the end of a row. */
  rowActions?: (row: T) => ReactNode;
  /** Shown in a bar at the bottom while rows are selected. */
  bulk?: ReactNode;
  'data-testid'?: string;
}

export function DataTable<T>(props: Props<T>) {
  const isPhone = useIsPhone();
  const { list, empty } = props;
  if (list.problem) return <FailedLoad problem={list.problem} onRetry={list.retry} />;
  if (list.isLoading) return <Loading columns={isPhone ? 1 : props.columns.length} />;
  if (list.rows.length === 0) return <Paper withBorder>{empty}</Paper>;
  return (
    <Stack gap="sm" data-testid={props['data-testid']}>
      {isPhone ? <Cards {...props} /> : <Rows {...props} />}
      <Foot list={list} />
      <BulkBar {...props} />
    </Stack>
  );
}

function Rows<T>({ label, columns, list, rowId, rowName, sort, onSort, selected, onSelect, onOpen, rowActions }: Props<T>) {
  const t = useWords().parts;
  const ids = list.rows.map(rowId);
  const chosen = ids.filter((id) => selected?.has(id)).length;
  const acts = useActs({ selected, onSelect, onOpen });
  return (
    <Paper withBorder style={{ overflow: 'clip' }}>
      <Table.ScrollContainer minWidth={640} type="native">
        <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover aria-label={label} className="hantar-table">
          <Table.Thead>
            <Table.Tr>
              {onSelect && (
                <Table.Th w={44}>
                  <Checkbox
                    aria-label={t.selectAll}
                    checked={chosen > 0 && chosen === ids.length}
                    indeterminate={chosen > 0 && chosen < ids.length}
                    onChange={(event) => onSelect(event.currentTarget.checked ? new Set([...(selected ?? []), ...ids]) : new Set())}
                  />
                </Table.Th>
              )}
              {columns.map((column) => (
                <Head key={column.key} column={column} sort={sort} onSort={onSort} />
              ))}
              {rowActions && (
                <Table.Th w={56}>
                  <span className="hantar-read-only">{t.actions}</span>
                </Table.Th>
              )}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {list.rows.map((row) => {
              const id = rowId(row);
              return (
                <Line
                  key={id}
                  id={id}
                  row={row}
                  name={rowName?.(row) ?? id}
                  columns={columns as Column<unknown>[]}
                  isSelected={onSelect ? (selected?.has(id) ?? false) : null}
                  canOpen={onOpen !== undefined}
                  rowActions={rowActions as ((row: unknown) => ReactNode) | undefined}
                  acts={acts}
                />
              );
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}

interface Acts {
  toggle: (id: string) => void;
  open: (row: unknown) => void;
}

/** What a row can do, as one object that never changes, so that a row is drawn anew only when it changed itself. */
function useActs<T>(now: Pick<Props<T>, 'selected' | 'onSelect' | 'onOpen'>): Acts {
  const latest = useRef(now);
  useEffect(() => {
    latest.current = now;
  });
  const [acts] = useState<Acts>(() => ({
    toggle: (id) => latest.current.onSelect?.(toggled(latest.current.selected, id)),
    open: (row) => latest.current.onOpen?.(row as T),
  }));
  return acts;
}

interface LineProps {
  id: string;
  row: unknown;
  name: string;
  columns: Column<unknown>[];
  /** Null when rows cannot be selected. */
  isSelected: boolean | null;
  canOpen: boolean;
  rowActions: ((row: unknown) => ReactNode) | undefined;
  acts: Acts;
}

const Line = memo(function Line({ id, row, name, columns, isSelected, canOpen, rowActions, acts }: LineProps) {
  const t = useWords().parts;
  return (
    <Table.Tr data-row={id} bg={isSelected ? 'var(--mantine-primary-color-light)' : undefined}>
      {isSelected !== null && (
        <Table.Td>
          <Checkbox aria-label={t.selectRow(name)} checked={isSelected} onChange={() => acts.toggle(id)} />
        </Table.Td>
      )}
      {columns.map((column, index) => (
        <Table.Td key={column.key} ta={column.align} className={column.align === 'right' ? 'hantar-number' : undefined}>
          {index === 0 && canOpen ? (
            <UnstyledButton onClick={() => acts.open(row)} className="hantar-row-open">
              {column.render(row)}
            </UnstyledButton>
          ) : (
            column.render(row)
          )}
        </Table.Td>
      ))}
      {rowActions && <Table.Td>{rowActions(row)}</Table.Td>}
    </Table.Tr>
  );
});

function Head<T>({ column, sort, onSort }: { column: Column<T>; sort?: string; onSort?: (sort: string) => void }) {
  const isUp = sort === column.sortBy;
  const isDown = sort === `-${column.sortBy}`;
  if (column.sortBy === undefined || onSort === undefined) {
    return (
      <Table.Th ta={column.align} w={column.width}>
        {column.header}
      </Table.Th>
    );
  }
  const Icon = isUp ? ArrowUp : isDown ? ArrowDown : ArrowUpDown;
  return (
    <Table.Th ta={column.align} w={column.width} aria-sort={isUp ? 'ascending' : isDown ? 'descending' : 'none'}>
      <UnstyledButton
        fz="inherit"
        fw="inherit"
        onClick={() => onSort(isUp ? `-${column.sortBy}` : (column.sortBy ?? ''))}
        style={{ display: 'inline-flex', alignItems: 'center', gap: 4 }}
      >
        {column.header}
        <Icon size={13} aria-hidden />
      </UnstyledButton>
    </Table.Th>
  );
}

function Cards<T>({ label, columns, list, rowId, rowName, selected, onSelect, onOpen, rowActions }: Props<T>) {
  const t = useWords().parts;
  const title = columns.find((column) => column.onPhone === 'title') ?? columns[0];
  const main = columns.filter((column) => column.onPhone === 'main');
  const more = columns.filter((column) => column !== title && (column.onPhone === undefined || column.onPhone === 'more'));
  return (
    <Stack gap="xs" role="list" aria-label={label}>
      {list.rows.map((row) => {
        const id = rowId(row);
        return (
          <Paper key={id} withBorder p="sm" role="listitem" data-row={id}>
            <Group justify="space-between" wrap="nowrap" align="flex-start">
              <Group wrap="nowrap" align="flex-start" gap="sm" style={{ minWidth: 0, flex: 1 }}>
                {onSelect && (
                  <Checkbox
                    mt={2}
                    aria-label={t.selectRow(rowName?.(row) ?? id)}
                    checked={selected?.has(id) ?? false}
                    onChange={() => onSelect(toggled(selected, id))}
                  />
                )}
                <Stack gap={4} style={{ minWidth: 0, flex: 1 }}>
                  {onOpen ? (
                    <UnstyledButton onClick={() => onOpen(row)} className="hantar-row-open">
                      {title?.render(row)}
                    </UnstyledButton>
                  ) : (
                    title?.render(row)
                  )}
                  {main.map((column) => (
                    <Group key={column.key} gap={6} fz="sm">
                      {column.render(row)}
                    </Group>
                  ))}
                </Stack>
              </Group>
              {rowActions?.(row)}
            </Group>
            {more.length > 0 && <CardMore columns={more} row={row} />}
          </Paper>
        );
      })}
    </Stack>
  );
}

function CardMore<T>({ columns, row }: { columns: Column<T>[]; row: T }) {
  const t = useWords().parts;
  const [isOpen, setOpen] = useState(false);
  return (
    <Box mt={4}>
      <Button
        size="compact-sm"
        variant="subtle"
        color="gray"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        rightSection={<ChevronDown size={14} aria-hidden style={{ transform: isOpen ? 'rotate(180deg)' : undefined }} />}
      >
        {t.more}
      </Button>
      <Collapse expanded={isOpen}>
        <Stack gap={4} pt={6}>
          {columns.map((column) => (
            <Group key={column.key} justify="space-between" wrap="nowrap" gap="md" fz="sm">
              <Text size="sm" c="dimmed">
                {column.header}
              </Text>
              <div style={{ textAlign: 'right', minWidth: 0 }}>{column.render(row)}</div>
            </Group>
          ))}
        </Stack>
      </Collapse>
    </Box>
  );
}

function Foot<T>({ list }: Pick<Props<T>, 'list'>) {
  const t = useWords().parts;
  return (
    <Group justify="center" gap="md">
      <Text size="sm" c="dimmed" role="status">
        {t.showing(list.rows.length, list.total ?? null)}
      </Text>
      {list.hasMore && (
        <Button variant="default" size="sm" onClick={list.loadMore} loading={list.isLoadingMore} data-testid="table-load-more">
          {t.loadMore}
        </Button>
      )}
    </Group>
  );
}

function BulkBar<T>({ selected, onSelect, selectedWords, bulk }: Props<T>) {
  const t = useWords().parts;
  if (!selected || selected.size === 0 || !onSelect) return null;
  const words = selectedWords ?? t.selected(selected.size);
  return (
    <Paper withBorder p="sm" className="hantar-bulk-bar" role="region" aria-label={words}>
      <Group justify="space-between">
        <Text size="sm" fw={600} role="status" data-testid="table-selected">
          {words}
        </Text>
        <Group gap="xs">
          {bulk}
          <Button variant="subtle" color="gray" onClick={() => onSelect(new Set())}>
            {t.clearSelection}
          </Button>
        </Group>
      </Group>
    </Paper>
  );
}

function Loading({ columns }: { columns: number }) {
  const t = useWords().parts;
  return (
    <Paper withBorder p="md" aria-busy aria-label={t.loading}>
      <Stack gap="md">
        {Array.from({ length: 6 }, (_, row) => (
          <Group key={row} wrap="nowrap" gap="lg">
            {Array.from({ length: columns }, (_, column) => (
              <Skeleton key={column} height={14} style={{ flex: column === 0 ? 2 : 1 }} />
            ))}
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}

function toggled(selected: Set<string> | undefined, id: string): Set<string> {
  const next = new Set(selected);
  if (!next.delete(id)) next.add(id);
  return next;
}
