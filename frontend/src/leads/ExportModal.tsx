// Before a file is made: how many rows and which columns it will have.
import { Alert, Badge, Button, Group, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { Download } from 'lucide-react';
import { FailedLoad } from '@/parts/ProblemNote';
import { useWords } from '@/words';
import { toQuery } from './filter';
import { useLeadCount } from './hooks';
import type { ApiFilter } from './types';

/** The header of the file, as the API fixes it. */
const COLUMNS = ['name', 'phone', 'niche', 'target_status', 'additional_note', 'device_id', 'trigger'];

export function ExportModal({ filter, onClose }: { filter: ApiFilter; onClose: () => void }) {
  const t = useWords();
  const words = t.leads.export;
  const { device_id: deviceId, ...rest } = filter;
  const count = useLeadCount(filter);
  const n = count.data;
  const address = deviceId === undefined ? '/api/leads/export' : `/api/devices/${deviceId}/leads/export`;
  const isAll = Object.keys(rest).length === 0;
  return (
    <Modal
      opened
      onClose={onClose}
      title={words.title}
      closeButtonProps={{ 'aria-label': t.parts.close }}
      data-testid="leads-export"
    >
      <Stack>
        {count.isError && <FailedLoad problem={count.error} onRetry={() => void count.refetch()} />}
        {count.isPending && <Skeleton height={20} aria-label={words.busy} />}
        {n !== undefined && (
          <Text size="sm" fw={600} data-testid="leads-export-rows">
            {n === 0 ? words.none : isAll ? words.rowsAll(n) : words.rows(n)}
          </Text>
        )}
        <div>
          <Text size="sm" mb={6}>
            {words.columns}
          </Text>
          <Group gap={4}>
            {COLUMNS.map((column) => (
              <Badge key={column} tt="none" color="gray" className="hantar-state-gray" fw={500}>
                {column}
              </Badge>
            ))}
          </Group>
        </div>
        <Alert variant="light" color="gray" py="xs">
          {words.again}
        </Alert>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t.parts.cancel}
          </Button>
          <Button
            component="a"
            href={`${address}?${toQuery(rest)}`}
            download
            leftSection={<Download size={16} aria-hidden />}
            onClick={() => setTimeout(onClose, 300)}
            disabled={n === undefined || n === 0}
            data-testid="leads-export-download"
          >
            {words.download(n ?? 0)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
