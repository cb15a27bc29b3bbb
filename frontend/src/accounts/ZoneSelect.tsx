// Choose a time zone by searching; says what time it is there.
import { Select, type SelectProps } from '@mantine/core';
import { useMemo } from 'react';
import { allZones } from '@/app/zone';
import { formatIn } from '@/parts/format';
import { useWords } from '@/words';

export function ZoneSelect({ value, ...props }: SelectProps) {
  const t = useWords().accounts.setup.place;
  const zones = useMemo(() => {
    const known = allZones();
    return value && !known.includes(value) ? [value, ...known] : known;
  }, [value]);
  return (
    <Select
      label={t.zone}
      description={value ? t.zoneNow(formatIn(value).moment(new Date().toISOString())) : undefined}
      data={zones}
      value={value}
      searchable
      limit={80}
      allowDeselect={false}
      {...props}
    />
  );
}
