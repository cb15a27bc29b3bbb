// The look in one place: a dark petrol frame, warm paper, one clay accent, system fonts. Parts use these tokens only.
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** Petrol: the colour of actions. */
const tide: MantineColorsTuple = [
  '#eaf6f6',
  '#d5e9ea',
  '#a9d3d5',
  '#79bbbf',
  '#52a7ac',
  '#3a9aa0',
  '#23868d',
  '#197a82',
  '#105f66',
  '#0b4a50',
];

/** Fired clay: the accent, used sparingly. */
const clay: MantineColorsTuple = [
  '#fdf1eb',
  '#f7e0d5',
  '#efbfa8',
  '#e79b77',
  '#e07f50',
  '#dc6d38',
  '#cf5c28',
  '#b34d1f',
  '#9c421a',
  '#833614',
];

/** Warm greys, so that paper and ink belong together. */
const gray: MantineColorsTuple = [
  '#faf8f4',
  '#f3f0ea',
  '#e8e3da',
  '#d8d2c6',
  '#bcb5a7',
  '#9b9487',
  '#6f6a60',
  '#545049',
  '#3b3833',
  '#24221f',
];

/** Night: greys leaning to petrol. */
const dark: MantineColorsTuple = [
  '#dfe6e6',
  '#b9c5c5',
  '#94a3a4',
  '#6d7d7f',
  '#3d4b4d',
  '#2e3a3c',
  '#212b2d',
  '#182123',
  '#121a1b',
  '#0c1213',
];

/** The head of a dialog is no banner of the page. */
const NO_BANNER = { header: { role: 'presentation' } };

export const theme = createTheme({
  colors: { tide, clay, gray, dark },
  primaryColor: 'tide',
  primaryShade: { light: 8, dark: 7 },
  autoContrast: true,
  luminanceThreshold: 0.2,
  black: '#1f2425',
  defaultRadius: 'md',
  radius: { xs: '3px', sm: '5px', md: '8px', lg: '12px', xl: '20px' },
  fontFamily:
    '"Avenir Next", Avenir, "Segoe UI Variable Text", "Segoe UI", "Noto Sans", "Liberation Sans", system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Code", "SF Mono", Menlo, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '0.78rem', sm: '0.875rem', md: '0.95rem', lg: '1.1rem', xl: '1.3rem' },
  headings: {
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '1.7rem', lineHeight: '1.2' },
      h2: { fontSize: '1.2rem', lineHeight: '1.3' },
      h3: { fontSize: '1rem', lineHeight: '1.4' },
    },
  },
  shadows: {
    xs: '0 1px 2px rgba(31, 36, 37, 0.05)',
    sm: '0 1px 3px rgba(31, 36, 37, 0.08), 0 6px 18px -10px rgba(31, 36, 37, 0.18)',
  },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Paper: { defaultProps: { radius: 'lg' } },
    Card: { defaultProps: { radius: 'lg', withBorder: true, padding: 'lg' } },
    Modal: { styles: { title: { fontWeight: 650, fontSize: '1.1rem', overflowWrap: 'anywhere' } }, defaultProps: { attributes: NO_BANNER, radius: 'lg', centered: true, overlayProps: { backgroundOpacity: 0.45, blur: 2 } } },
    Drawer: { defaultProps: { attributes: NO_BANNER, overlayProps: { backgroundOpacity: 0.35 } } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250, multiline: true, maw: 320, events: { hover: true, focus: true, touch: true } } },
    Alert: { styles: { title: { color: 'var(--mantine-color-text)' } } },
    Badge: { defaultProps: { variant: 'light', radius: 'sm' } },
    Button: { defaultProps: { radius: 'md' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray', size: 'lg' } },
    Select: { defaultProps: { comboboxProps: { shadow: 'sm' } } },
    Tabs: { defaultProps: { keepMounted: false } },
  },
});

/** Quiet tints for the dark: a breath of the colour on the card, and a light text. */
function tint(color: string, rgb: string, text: string): Record<string, string> {
  return {
    [`--mantine-color-${color}-light`]: `rgba(${rgb}, 0.14)`,
    [`--mantine-color-${color}-light-hover`]: `rgba(${rgb}, 0.2)`,
    [`--mantine-color-${color}-light-color`]: text,
  };
}

/** Tokens Mantine has no name for: the frame, the paper, the lines, readable dimmed text. */
export const variables: CSSVariablesResolver = () => ({
  variables: {
    '--hantar-frame': '#0d3b40',
    '--hantar-frame-hover': '#165058',
    '--hantar-frame-active': '#1e626b',
    '--hantar-frame-text': '#d9e9e8',
    '--hantar-frame-strong': '#ffffff',
    '--hantar-accent': '#e58a5c',
  },
  light: {
    '--mantine-color-body': '#fffefb',
    '--hantar-ground': '#f6f3ec',
    '--hantar-line': '#e6e0d5',
    '--mantine-color-default-border': '#cfc8ba',
    '--mantine-color-dimmed': '#625e56',
    '--mantine-color-placeholder': '#716c61',
    '--hantar-soft': '#f3f0e8',
    '--hantar-tick-read': '#0a7cc4',
    '--mantine-color-error': '#c22525',
    '--mantine-color-red-text': '#c22525',
  },
  dark: {
    '--mantine-color-body': '#161f21',
    '--hantar-ground': '#0f1617',
    '--hantar-line': '#29363a',
    '--mantine-color-default-border': '#43545a',
    '--mantine-color-dimmed': '#9fb0b1',
    '--mantine-color-placeholder': '#8fa0a1',
    '--hantar-soft': '#1c2729',
    '--hantar-frame': '#0a2226',
    '--hantar-frame-hover': '#123238',
    '--hantar-frame-active': '#18424a',
    '--hantar-tick-read': '#5ab6f0',
    ...tint('red', '250, 82, 82', '#ffa8a8'),
    ...tint('orange', '229, 138, 92', '#f3b48f'),
    ...tint('yellow', '250, 176, 5', '#f2cd78'),
    ...tint('green', '81, 207, 102', '#8ce99a'),
    ...tint('teal', '32, 201, 151', '#7fe0c0'),
    ...tint('blue', '77, 171, 247', '#a5d8ff'),
    '--mantine-color-red-filled': '#d62f2f',
    '--mantine-color-red-filled-hover': '#bf2828',
    '--mantine-color-error': '#ff8f8f',
  },
});
