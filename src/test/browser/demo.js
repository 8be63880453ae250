// What a test prepares behind the browsers' backs: the functions, called as somebody of the demo.

export class Demo {
  static async at(url) {
    const { users } = await (await fetch(`${url}/demo/users`)).json();
    return new Demo(url, users);
  }

  constructor(url, users) {
    this.url = url;
    this.users = users;
    this.tokens = new Map();
  }

  user(name) {
    return this.users.find(({ full_name }) => full_name.toLowerCase().startsWith(name));
  }

  async token(name) {
    if (!this.tokens.has(name)) {
      const { token } = await this.#post('/demo/token', { user_id: this.user(name).id });
      this.tokens.set(name, token);
    }
    return this.tokens.get(name);
  }

  async calls(name, operation, args) {
    return this.#post(`/rest/v1/rpc/${operation}`, args, { Authorization: `Bearer ${await this.token(name)}` });
  }

  between(one, other) {
    return this.calls(one, 'get_or_create_conversation', { user1_id: this.user(one).id, user2_id: this.user(other).id });
  }

  sends(name, conversation_id, content) {
    return this.calls(name, 'send_message', { conversation_id, content });
  }

  async #post(path, body, headers = {}) {
    const response = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${path} → ${response.status} ${text}`);
    }
    return text === '' ? null : JSON.parse(text);
  }
}
