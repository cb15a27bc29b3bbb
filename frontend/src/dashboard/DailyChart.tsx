// Messages per day as a chart, with the same numbers as a table and a sentence.
import '@mantine/charts/styles.css';
import { BarChart } from '@mantine/charts';
import { Button, Table, Text } from '@mantine/core';
import { useState } from 'react';
import type { Dashboard } from '@/api/types';
import { Section } from '@/parts/Section';
import { useWords } from '@/words';
import { number } from '@/words/count';

export default function DailyChart({ days }: { days: Dashboard['daily'] }) {
  const t = useWords().dashboard.chart;
  const [isTable, setTable] = useState(false);
  const sum = (key: 'sent' | 'failed') => days.reduce((total, day) => total + day[key], 0);
  const rows = days.map((day) => ({ ...day, label: shortDay(day.date) }));
  return (
    <Section
      title={t.title}
      hint={t.summary(sum('sent'), sum('failed'), days.length)}
      actions={
        <Button size="compact-sm" variant="subtle" onClick={() => setTable(!isTable)}>
          {isTable ? t.asChart : t.asTable}
        </Button>
      }
    >
      {isTable ? (
        <Table.ScrollContainer minWidth={400} mah={320}>
          <Table stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t.day}</Table.Th>
                <Table.Th ta="right">{t.sent}</Table.Th>
                <Table.Th ta="right">{t.delivered}</Table.Th>
                <Table.Th ta="right">{t.read}</Table.Th>
                <Table.Th ta="right">{t.failed}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((day) => (
                <Table.Tr key={day.date}>
                  <Table.Td>{day.label}</Table.Td>
                  <Table.Td ta="right">{number(day.sent)}</Table.Td>
                  <Table.Td ta="right">{number(day.delivered)}</Table.Td>
                  <Table.Td ta="right">{number(day.read)}</Table.Td>
                  <Table.Td ta="right">{number(day.failed)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      ) : sum('sent') + sum('failed') === 0 ? (
        <Text size="sm" c="dimmed">
          {t.none}
        </Text>
      ) : (
        <BarChart
          h={220}
          data={rows}
          dataKey="label"
          type="stacked"
          withLegend
          withXAxis
          yAxisProps={{ allowDecimals: false }}
          gridAxis="y"
          valueFormatter={number}
          series={[
            { name: 'sent', label: t.sent, color: 'tide.6' },
            { name: 'failed', label: t.failed, color: 'clay.5' },
          ]}
          maxBarWidth={48}
          barProps={{ isAnimationActive: false }}
        />
      )}
    </Section>
  );
}

function shortDay(date: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' }).format(new Date(`${date}T00:00:00Z`));
}
