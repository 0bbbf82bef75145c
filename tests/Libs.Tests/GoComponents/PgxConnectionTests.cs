using System.Text.Json;
using WhatsAppMesh.GoComponents;

namespace WhatsAppMesh.Libs.Tests.GoComponents;

/// <summary>Connection strings as daprd and pgx read them; each answer was that of their code.</summary>
public sealed class PgxConnectionTests
{
    [Theory]
    [InlineData("host=db user=u password=p dbname=d", """{"host":"db","user":"u","password":"p","database":"d"}""")]
    [InlineData("host=db\tuser=u\nport=1", """{"host":"db","user":"u","port":"1"}""")]
    [InlineData("host=db password='p'", """{"host":"db","password":"p"}""")]
    [InlineData(@"host=db password='it\'s\\'", """{"host":"db","password":"it's\\"}""")]
    [InlineData(@"host=db password=a\'b", """{"host":"db","password":"a'b"}""")]
    [InlineData("host=db password= user=u", """{"host":"db","password":"user=u"}""")]
    [InlineData("host=a,b port=1,2 user=u", """{"host":"a,b","port":"1,2","user":"u"}""")]
    [InlineData("host=/var/run/postgresql user=u", """{"host":"/var/run/postgresql","user":"u"}""")]
    [InlineData("host=db user=u nonsense application_name=x", """{"host":"db","user":"u","application_name":"x"}""")]
    [InlineData("postgres://u:p@db/d", """{"user":"u","password":"p","host":"db","database":"d"}""")]
    [InlineData(
        "postgresql://u@db:6432/d?sslmode=require",
        """{"user":"u","password":"","host":"db","port":"6432","database":"d","sslmode":"require"}""")]
    [InlineData("postgres://u:p%20%25%40%3A%2F%C3%A9'@db/d", """{"user":"u","password":"p %@:/é'","host":"db","database":"d"}""")]
    [InlineData("postgres://u:a+b@db/?options=-c+jit%3Doff", """{"user":"u","password":"a+b","host":"db","options":"-c jit=off"}""")]
    [InlineData("postgres://u:p@a:1,b:2/d", """{"user":"u","password":"p","host":"a,b","port":"1,2","database":"d"}""")]
    [InlineData("postgres://u:p@[::1]:5/d", """{"user":"u","password":"p","host":"::1","port":"5","database":"d"}""")]
    [InlineData("postgres://u:p@/d?host=/run/pg&dbname=e", """{"user":"u","password":"p","host":"/run/pg","database":"e"}""")]
    [InlineData("postgres:///d?host=a&host=b", """{"host":"a","database":"d"}""")]
    public void Settings_are_those_that_pgx_makes_of_the_text(string text, string settings) =>
        Assert.Equal(Sorted(settings), Sorted(PgxConnection.Parse(text)));

    [Theory]
    [InlineData("", "failed to build connection string")]
    [InlineData("db", "failed to build connection string")]
    [InlineData("host = db", "invalid keyword/value")]
    [InlineData("host=db =u", "invalid keyword/value")]
    [InlineData("host=db password='secret word'", "at every space")]
    [InlineData(@"host=db password=secret\", "invalid backslash")]
    [InlineData(@"host=db password='secret\'", "unterminated quoted string")]
    [InlineData("host=db port=many", "invalid port")]
    [InlineData("host=db port=0", "invalid port")]
    [InlineData("host=a,b port=1,65536", "invalid port")]
    [InlineData("host=db sslmode=on", "sslmode is invalid")]
    [InlineData("host=db sslmode=Require", "sslmode is invalid")]
    [InlineData("host=db sslrootcert=/no/such/file", "unable to read CA file")]
    [InlineData("host=db sslmode=require sslcert=/c.pem", "both \"sslcert\" and \"sslkey\"")]
    [InlineData("host=db connect_timeout=5s", "invalid connect_timeout")]
    [InlineData("host=db connect_timeout=-1", "invalid connect_timeout")]
    [InlineData("host=db target_session_attrs=master", "unknown target_session_attrs")]
    [InlineData("host=db pool_max_conns=many", "cannot parse pool_max_conns")]
    [InlineData("host=db pool_max_conns=0", "pool_max_conns too small")]
    [InlineData("host=db pool_max_conn_lifetime=60", "invalid pool_max_conn_lifetime")]
    [InlineData("host=db pool_health_check_period=1d", "invalid pool_health_check_period")]
    [InlineData("host=db default_query_exec_mode=fast", "invalid default_query_exec_mode")]
    [InlineData("host=db service=mine", "service files")]
    [InlineData("postgres://u:secret@db:port/d", "invalid port")]
    [InlineData("postgres://u:secret/word@db/d", "invalid port")]
    [InlineData("postgres://u:secret%@db/d", "%25")]
    [InlineData("postgres://u:secret word@db/d", "invalid userinfo")]
    [InlineData("postgres://u:sécret@db/d", "invalid userinfo")]
    [InlineData("postgres://u:p@d b/d", "invalid character in host name")]
    [InlineData("postgres://u:p@db/d?sslmode=sometimes", "sslmode is invalid")]
    [InlineData("postgres://u:p@db/d?pool_max_conns=x", "cannot parse pool_max_conns")]
    public void What_they_refuse_is_refused_without_a_value(string text, string why)
    {
        var refused = Assert.Throws<FormatException>(() => PgxConnection.Parse(text));

        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=db;Username=u;Password=secret;Database=d")]
    [InlineData("Host=127.0.0.1;Port=5432;Username=u;Database=d;Application Name=x;Maximum Pool Size=8")]
    [InlineData("host=db;username=u;password=secret;database=d")]
    [InlineData("host=db;port=5432;user=u;database=d")]
    [InlineData("Host=db")]
    [InlineData("Server=db;User Id=u;Password=secret")]
    [InlineData("Password=secret;Host=db")]
    [InlineData("password='se cret';host=db;search path=public")]
    [InlineData("Host=db;Password=\"secret; user=x\";Username=u")]
    public void The_form_of_ADO_NET_is_known_and_refused(string text)
    {
        var refused = Assert.Throws<FormatException>(() => PgxConnection.Parse(text));

        Assert.Equal(AdoNetForm.Sentence, refused.Message);
    }

    [Theory]
    [InlineData("host=db user=u password=a;b dbname=d")]
    [InlineData("host=db user=u password=a;Host=b dbname=d")]
    [InlineData("host=db")]
    [InlineData("dbname=d")]
    [InlineData("postgres://u:a;Host=b@db/d")]
    [InlineData("host=db application_name=x search_path=y")]
    public void A_semicolon_alone_makes_no_ADO_NET_of_a_text(string text) => Assert.NotEmpty(PgxConnection.Parse(text).Settings);

    [Fact]
    public void What_pgx_does_not_know_goes_to_the_server_which_may_know_it()
    {
        var read = PgxConnection.Parse("host=db pool_max_conns=4 pool_size=5 search_path=x statement_cache_capacity=0 channel_binding=require");

        Assert.Equal(["channel_binding", "pool_size", "search_path"], read.RuntimeParameters.Keys.Order());
    }

    [Theory]
    [InlineData("host=a dbname=d", "host=b port=2 password=p", """{"database":"d","host":"b","password":"p","port":"2"}""")]
    [InlineData("postgres://u:p@a/d", "host=b user=v", """{"database":"d","host":"b","password":"p","user":"v"}""")]
    [InlineData("postgres://u:p@a/d", "port=2 database=e", """{"database":"e","host":"a","password":"p","port":"2","user":"u"}""")]
    [InlineData("", "host=b user=v", """{"host":"b","user":"v"}""")]
    public void The_component_s_own_settings_win_over_the_text_s(string text, string own, string settings)
    {
        var overrides = own.Split(' ').ToDictionary(pair => pair.Split('=')[0], pair => pair.Split('=')[1]);

        Assert.Equal(Sorted(settings), Sorted(PgxConnection.Parse(text, overrides)));
    }

    private static SortedDictionary<string, string>? Sorted(string json) => JsonSerializer.Deserialize<SortedDictionary<string, string>>(json);

    private static SortedDictionary<string, string> Sorted(PgxConnection read) => new(read.Settings.ToDictionary());
}
