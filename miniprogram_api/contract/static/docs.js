"use strict";
// Opens the document in Swagger UI. Nothing is fetched from anywhere else, and nothing is kept in the browser.

(() => {
  const viewer = document.getElementById("viewer");
  window.Words.watch(viewer);
  window.Access.watch(viewer);
  window.SwaggerUIBundle({
    url: viewer.dataset.document,
    domNode: viewer,
    plugins: [window.Samples],
    deepLinking: true,
    filter: true,
    validatorUrl: null,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    docExpansion: "list",
    tryItOutEnabled: false,
    supportedSubmitMethods: JSON.parse(viewer.dataset.tries) ? ["get", "post", "delete"] : [],
    syntaxHighlight: false,
    persistAuthorization: false,
  });
})();
