// A day, chosen from a calendar whose buttons have names.
import '@mantine/dates/styles.css';
import { DatePickerInput, type DatePickerInputProps } from '@mantine/dates';
import { useWords } from '@/words';

export function DayInput(props: DatePickerInputProps<'default'> & { 'data-testid'?: string }) {
  const t = useWords().campaigns.calendar;
  return <DatePickerInput valueFormat="D MMM YYYY" ariaLabels={t} {...props} />;
}
