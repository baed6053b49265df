"""The JSON contract: operations, schemas, problems, and the OpenAPI document made of them."""
