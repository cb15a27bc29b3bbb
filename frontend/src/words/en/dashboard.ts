// The first page.

export const dashboard = {
  title: 'Dashboard',
};
