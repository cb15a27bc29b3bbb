// The frame of pages before sign-in: what this is on the left (or top), the form on the right.
import { Box, Group, List, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { Check } from 'lucide-react';
import { useEffect, useRef, type ReactNode } from 'react';
import { Mark } from '@/app/Mark';
import { useWords } from '@/words';
import classes from './AuthFrame.module.css';

export function AuthFrame({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) {
  const t = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = t.app.title(title);
  }, [t, title]);
  useEffect(() => {
    if (document.activeElement === document.body) heading.current?.focus();
  }, []);
  return (
    <div className={classes.frame}>
      <Box component="aside" className={classes.side}>
        <Mark size={34} />
        <Stack gap="lg" className={classes.pitch}>
          <Text className={classes.pitchTitle}>{t.accounts.pitch}</Text>
          <List
            spacing="sm"
            center
            icon={
              <ThemeIcon size={22} radius="xl" color="clay.4" variant="filled" autoContrast>
                <Check size={14} aria-hidden />
              </ThemeIcon>
            }
          >
            {t.accounts.pitchPoints.map((point) => (
              <List.Item key={point}>{point}</List.Item>
            ))}
          </List>
        </Stack>
        <Sails />
      </Box>
      <main className={classes.main}>
        <Stack w="100%" maw={400} gap="lg">
          <div>
            <Title order={1} ref={heading} tabIndex={-1} className="hantar-h1">
              {title}
            </Title>
            {lead !== undefined && (
              <Text c="dimmed" mt={4}>
                {lead}
              </Text>
            )}
          </div>
          {children}
        </Stack>
      </main>
    </div>
  );
}

/** Three sails on a still sea: decoration only. */
function Sails() {
  return (
    <Group className={classes.sails} aria-hidden>
      <svg viewBox="0 0 420 190" width="100%" role="presentation" focusable="false">
        <g opacity="0.9">
          <path d="M96 20v92H40c28-24 48-56 56-92Z" fill="#1e626b" />
          <path d="M104 44c20 18 34 40 42 68h-42Z" fill="#e58a5c" />
          <path d="M34 120h120c-8 12-20 18-36 18H70c-16 0-28-6-36-18Z" fill="#1e626b" />
        </g>
        <g opacity="0.7">
          <path d="M238 62v58h-36c18-15 31-35 36-58Z" fill="#1e626b" />
          <path d="M243 77c13 12 22 26 27 43h-27Z" fill="#c9764c" />
          <path d="M198 126h78c-5 7-13 11-23 11h-32c-10 0-18-4-23-11Z" fill="#1e626b" />
        </g>
        <g opacity="0.5">
          <path d="M342 88v36h-22c11-9 19-22 22-36Z" fill="#1e626b" />
          <path d="M346 98c8 7 13 15 16 26h-16Z" fill="#b06a48" />
          <path d="M318 128h48c-3 5-8 7-14 7h-20c-6 0-11-2-14-7Z" fill="#1e626b" />
        </g>
        <path d="M0 150h420M30 166h300M90 182h220" stroke="#1e626b" strokeWidth="2" strokeLinecap="round" />
      </svg>
    </Group>
  );
}
