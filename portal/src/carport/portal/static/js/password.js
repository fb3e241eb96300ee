// Show what is typed, and say live which rules a new password meets.
const LENGTH_MIN = 15;
const NAME_MIN = 4;

export function passwordField(input) {
  addEye(input);
  const rules = input.closest("[data-password-field]")?.querySelector("[data-rules]");
  if (!rules) return;
  rules.hidden = false;
  const show = () => {
    for (const rule of rules.children) {
      rule.classList.toggle("met", input.value !== "" && meets(rule.dataset.rule, input));
    }
  };
  input.form.addEventListener("input", show);
  show();
}

function meets(rule, input) {
  const typed = input.value;
  if (rule === "length") return [...typed].length >= LENGTH_MIN;
  if (rule === "variety") return new Set(typed.replaceAll(" ", "")).size >= 5;
  return personalWords(input.form).every((word) => !typed.toLowerCase().includes(word));
}

function personalWords(form) {
  const fields = [...form.querySelectorAll("[data-personal]")];
  return fields.map((field) => field.value.toLowerCase().split("@")[0]).filter((word) => word.length >= NAME_MIN);
}

function addEye(input) {
  const frame = document.createElement("span");
  frame.className = "with-eye";
  const eye = document.createElement("button");
  eye.type = "button";
  eye.className = "eye";
  const label = () => {
    const hidden = input.type === "password";
    eye.textContent = hidden ? "Show" : "Hide";
    eye.setAttribute("aria-label", `${eye.textContent} password`);
  };
  eye.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    label();
    input.focus();
  });
  input.form.addEventListener("submit", () => (input.type = "password"));
  label();
  input.replaceWith(frame);
  frame.append(input, eye);
}
