using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WhatsAppMesh.Edge.Tests.Driving;

/// <summary>Bytes on a socket, for requests that no HTTP client would send.</summary>
public sealed class RawConnection : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public static async Task<RawConnection> OpenAsync(EdgeUnderTest edge)
    {
        var connection = new RawConnection();
        await connection._socket.ConnectAsync(IPAddress.Loopback, edge.Address.Port);
        return connection;
    }

    /// <summary>Sends a whole request to the second generation's path: these headers behind the usual ones, a length and the body.</summary>
    public Task PostAsync(string body, params string[] headers) =>
        SendAsync(Head([.. headers, $"Content-Length: {Encoding.UTF8.GetByteCount(body)}"]) + "\r\n" + body);

    /// <summary>A request line, the usual headers and these; without the empty line that ends them.</summary>
    public static string Head(params string[] headers)
    {
        string[] lines = [$"POST {Signing.V2} HTTP/1.1", "Host: x", "Content-Type: application/json", .. headers];
        return string.Join("\r\n", lines) + "\r\n";
    }

    public async Task SendAsync(string text) => await _socket.SendAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>Says that nothing more will come (FIN), and goes on listening.</summary>
    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Sends as long as the other side takes it; true when it closed before everything was sent.</summary>
    public async Task<bool> SendUntilClosedAsync(string text, int times)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        try
        {
            for (var i = 0; i < times; i++)
                await _socket.SendAsync(bytes);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    /// <summary>Reads until what was received fulfils the condition or the other side closes.</summary>
    public async Task<string> ReadUntilAsync(Func<string, bool> enough)
    {
        using var patience = new CancellationTokenSource(Patience);
        var text = new StringBuilder();
        var buffer = new byte[16 * 1024];
        try
        {
            while (!enough(text.ToString()))
            {
                var read = await _socket.ReceiveAsync(buffer, patience.Token);
                if (read == 0)
                    break;
                text.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
        }
        catch (SocketException)
        {
            text.Append("\n(reset)");
        }

        return text.ToString();
    }

    /// <summary>Everything until the other side closes.</summary>
    public Task<string> ReadToEndAsync() => ReadUntilAsync(static _ => false);

    /// <summary>The status of the first answer; 0 when the connection closed without one.</summary>
    public async Task<int> ReadStatusAsync()
    {
        var text = await ReadUntilAsync(static text => text.Contains("\r\n", StringComparison.Ordinal));
        return StatusOf(text);
    }

    public static int StatusOf(string answer) => answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) ? int.Parse(answer.AsSpan(9, 3)) : 0;

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
