// Settings: profile, workspace, API keys, demo.

export const settings = {
  title: 'Settings',
};
