// The reference is for reading: requests are made with the CLI, curl or the screen.
SwaggerUIBundle({ url: '/docs/openapi.yaml', dom_id: '#reference', supportedSubmitMethods: [], validatorUrl: null, defaultModelsExpandDepth: 0, docExpansion: 'list' });
