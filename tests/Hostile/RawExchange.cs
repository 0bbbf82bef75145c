using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WhatsAppMesh.Hostile;

/// <summary>How a sender goes on after its first bytes.</summary>
public enum Sending
{
    /// <summary>It has said all and listens.</summary>
    Whole,

    /// <summary>It closes its side (FIN) and listens.</summary>
    EndsEarly,

    /// <summary>It resets the connection.</summary>
    Resets,

    /// <summary>It sends one more byte every now and then.</summary>
    Dribbles,
}

/// <summary>Bytes to a socket and the answer that came back.</summary>
public sealed class RawExchange : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private RawExchange()
    {
    }

    /// <summary>All that came back until the other side closed, or until one whole answer was there.</summary>
    public string Answer { get; private set; } = "";

    /// <summary>Status of the first answer; 0 when there was none.</summary>
    public int Status => Answer.StartsWith("HTTP/1.", StringComparison.Ordinal) && Answer.Length > 12 ? int.Parse(Answer.AsSpan(9, 3)) : 0;

    /// <summary>Number of answers.</summary>
    public int Answers => Answer.Split("HTTP/1.1 ").Length - 1;

    /// <summary>Sends bytes, then goes on as <paramref name="sending"/> says, and reads what comes back.</summary>
    public static async Task<RawExchange> SendAsync(Uri address, byte[] bytes, Sending sending = Sending.Whole)
    {
        var exchange = new RawExchange();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await exchange._socket.ConnectAsync(IPAddress.Loopback, address.Port, patience.Token);
            await exchange.TalkAsync(bytes, sending, patience.Token);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // Refused in mid-sentence: what was answered before is what counts.
        }
        catch
        {
            exchange.Dispose();
            throw;
        }
        return exchange;
    }

    public void Dispose() => _socket.Dispose();

    private async Task TalkAsync(byte[] bytes, Sending sending, CancellationToken cancellationToken)
    {
        // An answer may come before everything is sent, and the rest may then not be taken.
        var reading = ReadAsync(cancellationToken);
        try
        {
            await _socket.SendAsync(bytes, cancellationToken);
            if (sending == Sending.EndsEarly)
                _socket.Shutdown(SocketShutdown.Send);
            if (sending == Sending.Resets)
            {
                _socket.LingerState = new LingerOption(true, 0);
                _socket.Close();
                return;
            }
            while (sending == Sending.Dribbles && !reading.IsCompleted)
            {
                await _socket.SendAsync(new byte[] { (byte)' ' }, cancellationToken);
                await Task.WhenAny(reading, Task.Delay(300, cancellationToken));
            }
        }
        catch (SocketException)
        {
            // Closed while we spoke.
        }
        await reading;
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (!IsWhole(Answer))
            {
                var read = await _socket.ReceiveAsync(buffer, cancellationToken);
                if (read == 0)
                    return;
                Answer += Encoding.UTF8.GetString(buffer, 0, read);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // What is there is all there will be.
        }
    }

    // The usual requests say "Connection: close", so only answers that keep the connection need to be recognised as whole.
    private static bool IsWhole(string answer) => answer.Contains("Content-Length: 0\r\n", StringComparison.Ordinal) && answer.EndsWith("\r\n\r\n", StringComparison.Ordinal);
}
