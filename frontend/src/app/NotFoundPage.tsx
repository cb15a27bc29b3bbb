// An address that leads nowhere.
import { Anchor, Container, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useWords } from '@/words';

export default function NotFoundPage() {
  const t = useWords().app;
  useEffect(() => {
    document.title = t.title(t.notFound.title);
  }, [t]);
  return (
    <Container component="main" py={80} size="xs">
      <Title order={1}>{t.notFound.title}</Title>
      <Text c="dimmed" my="md">
        {t.notFound.words}
      </Text>
      <Anchor component={Link} to="/">
        {t.notFound.home}
      </Anchor>
    </Container>
  );
}
