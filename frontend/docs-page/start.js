// Shows the installation's own OpenAPI file; the signed-in cookie or an API key is used for "Try it out".
window.SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  validatorUrl: null,
});
