// A list of niches or triggers to type or choose. The choices close after each one, so that they do not cover what stands below.
import { TagsInput, type TagsInputProps } from '@mantine/core';
import { useState } from 'react';

const MOST = 50;
const LONGEST = 100;

interface Props extends Omit<TagsInputProps, 'data' | 'value'> {
  /** Entries that exist, with how many leads have each. */
  known: { name: string }[] | undefined;
  value?: string[];
  onChange?: (entries: string[]) => void;
}

export function EntriesInput({ known = [], onChange, ...props }: Props) {
  const [isOpen, setOpen] = useState(false);
  return (
    <TagsInput
      data={known.map(({ name }) => name)}
      limit={100}
      maxTags={MOST}
      maxLength={LONGEST}
      splitChars={[',', ';']}
      acceptValueOnBlur
      isDuplicate={(entry, entries) => entries.some((each) => each.toLowerCase() === entry.toLowerCase())}
      dropdownOpened={isOpen}
      onDropdownOpen={() => setOpen(true)}
      onDropdownClose={() => setOpen(false)}
      onChange={(entries) => {
        onChange?.(entries);
        setOpen(false);
      }}
      {...props}
    />
  );
}
