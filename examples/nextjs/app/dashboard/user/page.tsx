export default function Overview() {
  return (
    <>
      <h1>Overview</h1>
      <p>
        What the application is about. <a href="#more">More</a>
      </p>
      <ul>
        <li>One</li>
        <li>Two</li>
      </ul>
      <button>Save</button> <button className="button">Print</button>
      <div className="menu">menu</div>
      <div className="message person field notice">text</div>
      <input placeholder="Name" />
    </>
  );
}
