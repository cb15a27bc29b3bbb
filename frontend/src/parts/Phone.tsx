// A phone number as digits with country code, grouped for reading, copied without spaces.
import { Group, Text } from '@mantine/core';
import { CopyButton } from './CopyButton';
import { phone } from './format';

export function Phone({ digits, withCopy = false, size = 'sm' }: { digits: string | null | undefined; withCopy?: boolean; size?: string }) {
  if (!digits) return null;
  return (
    <Group gap={2} wrap="nowrap" component="span" display="inline-flex">
      <Text span size={size} style={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>
        {phone(digits)}
      </Text>
      {withCopy && <CopyButton value={digits} />}
    </Group>
  );
}
