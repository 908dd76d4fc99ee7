// The description of the API, drawn from openapi.json: nothing here is written twice.

const METHODS = ["get", "post", "patch", "put", "delete"];

function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/** An element with text in which `code` stands between backticks. */
function prose(name, text) {
  const made = element(name);
  const parts = text.split("`");
  made.append(...parts.map((part, place) => (place % 2 ? element("code", part) : part)));
  return made;
}

function typeOf(schema = {}) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? "anything");
}

function table(rows) {
  const made = element("table");
  for (const [name, type, about] of rows) {
    const row = element("tr");
    const cell = element("th");
    cell.scope = "row";
    cell.append(element("code", name));
    row.append(cell, element("td", type), prose("td", about));
    made.append(row);
  }
  return made;
}

function parameters(operation, schemas) {
  const rows = (operation.parameters ?? []).map((one) => [
    one.name,
    typeOf(one.schema),
    [
      `${one.in}`,
      one.schema?.default === undefined ? "" : `by default ${one.schema.default}`,
      one.description ?? "",
    ]
      .filter(Boolean)
      .join("; "),
  ]);
  for (const [kind, body] of Object.entries(operation.requestBody?.content ?? {})) {
    const schema = body.schema?.$ref ? schemas[body.schema.$ref.split("/").pop()] : body.schema;
    if (!schema?.properties) rows.push([kind, typeOf(schema), "body"]);
    for (const [name, own] of Object.entries(schema?.properties ?? {})) {
      const needed = schema.required?.includes(name) ? "needed" : "";
      rows.push([name, typeOf(own), [kind, needed].filter(Boolean).join("; ")]);
    }
  }
  return rows;
}

function section(path, method, operation, schemas) {
  const made = element("section");
  const head = element("h2");
  head.append(element("span", method.toUpperCase(), `method ${method}`), element("code", path));
  made.append(head, prose("p", operation.description ?? ""));
  const rows = parameters(operation, schemas);
  if (rows.length) made.append(table(rows));
  return made;
}

async function draw() {
  const place = document.getElementById("addresses");
  try {
    const answer = await fetch("/v1/openapi.json");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const described = await answer.json();
    const schemas = described.components?.schemas ?? {};
    const found = [];
    for (const [path, operations] of Object.entries(described.paths)) {
      for (const method of METHODS.filter((one) => operations[one])) {
        found.push(section(path, method, operations[method], schemas));
      }
    }
    place.replaceChildren(...found);
  } catch (error) {
    place.textContent = `The description cannot be read (${error.message}). Load the page again.`;
  }
}

draw();
