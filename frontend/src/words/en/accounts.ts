// Sign in, register, first-start set-up.

export const accounts = {
  signIn: 'Sign in',
};
